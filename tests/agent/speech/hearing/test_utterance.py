import logging

import numpy as np
import numpy.typing as npt
import pytest

from duologue.agent.speech.hearing.utterance import (
    LONGEST_PAUSE_S,
    LONGEST_S,
    PRE_ROLL_S,
    SAMPLE_RATE_HZ,
    Utterance,
)


def sound(seconds: float, value: int = 1) -> npt.NDArray[np.int16]:
    return np.full(int(seconds * SAMPLE_RATE_HZ), value, dtype=np.int16)


def seconds(samples: npt.NDArray[np.int16]) -> float:
    return len(samples) / SAMPLE_RATE_HZ


def test_there_is_nothing_to_recognise_before_somebody_spoke() -> None:
    utterance = Utterance()
    utterance.append(sound(5))
    utterance.observe(is_speaking=False, silence_s=5.0)
    assert len(utterance.speech()) == 0


def test_minutes_of_silence_leave_half_a_second_before_the_speech() -> None:
    utterance = Utterance()
    for _ in range(3000):
        utterance.append(sound(0.02))
    utterance.observe(is_speaking=True, silence_s=0.0)
    utterance.append(sound(1.0, 2))
    assert seconds(utterance.speech()) == PRE_ROLL_S + 1.0


def test_a_pause_belongs_to_the_utterance_but_a_long_silence_does_not() -> None:
    utterance = Utterance()
    utterance.observe(is_speaking=True, silence_s=0.0)
    utterance.append(sound(1.0))
    utterance.observe(is_speaking=False, silence_s=1.0)
    utterance.append(sound(1.0))
    utterance.observe(is_speaking=False, silence_s=LONGEST_PAUSE_S + 0.1)
    utterance.append(sound(60.0))
    assert seconds(utterance.speech()) == 2.0


def test_the_next_utterance_begins_with_the_silence_since_the_last_word() -> None:
    utterance = Utterance()
    utterance.observe(is_speaking=True, silence_s=0.0)
    utterance.append(sound(1.0, 1))
    utterance.append(sound(0.3, 2))
    utterance.observe(is_speaking=False, silence_s=0.3)
    utterance.clear()
    assert len(utterance.speech()) == 0
    utterance.observe(is_speaking=True, silence_s=0.0)
    assert set(utterance.speech().tolist()) == {2}
    assert seconds(utterance.speech()) == 0.3


def test_an_endless_utterance_loses_its_beginning_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    utterance = Utterance()
    utterance.observe(is_speaking=True, silence_s=0.0)
    utterance.append(sound(1.0, 1))
    with caplog.at_level(logging.WARNING, "duologue.agent.recognition"):
        for _ in range(int(LONGEST_S) + 2):
            utterance.append(sound(1.0, 2))
    assert seconds(utterance.speech()) == LONGEST_S
    assert 1 not in utterance.speech()
    assert len(caplog.records) == 1


def test_what_was_appended_may_be_written_over() -> None:
    utterance = Utterance()
    utterance.observe(is_speaking=True, silence_s=0.0)
    block = sound(0.1, 7)
    utterance.append(block)
    block[:] = 0
    assert set(utterance.speech().tolist()) == {7}
