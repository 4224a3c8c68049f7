from __future__ import annotations

import numpy as np
import pytest

from duologue.connection.webrtc.agent_track import (
    BREAK_LIMIT_MS,
    BREAK_MS,
    FRAME_MS,
    IN_HAND_MS,
    LATE_AFTER_MS,
    LATE_LEAD_MS,
    LEAD_MS,
    QUIET_UP_TO,
    SILENT_UP_TO,
    TAIL_MS,
    SoundOnly,
)
from duologue.connection.webrtc.frame_pace import FramePace

SILENCE = np.zeros(48 * FRAME_MS, np.int16).tobytes()
TAIL = TAIL_MS // FRAME_MS
LEAD = LEAD_MS // FRAME_MS
BREAK = BREAK_MS // FRAME_MS
GROWTH = (IN_HAND_MS - LEAD_MS) // FRAME_MS


def frame(level: int) -> bytes:
    return np.full(48 * FRAME_MS, level, np.int16).tobytes()


def gate_of(*late_ms: float) -> SoundOnly:
    """A gate whose frames so far came so late."""
    pace = FramePace()
    for number, late in enumerate(late_ms):
        pace.note(number * FRAME_MS + late, FRAME_MS)
    return SoundOnly(pace)


def heard(gate: SoundOnly, *frames: bytes) -> list[bytes]:
    return [given for one in frames for given in gate.push(one)]


def test_silence_before_any_sound_is_not_heard() -> None:
    assert heard(gate_of(), SILENCE, frame(SILENT_UP_TO), frame(-SILENT_UP_TO), b"") == []


def test_sound_is_heard_at_once_however_negative() -> None:
    for level in (SILENT_UP_TO + 1, -SILENT_UP_TO - 1, -32_768):
        assert heard(gate_of(), frame(level)) == [frame(level)]


def test_what_came_right_before_sound_is_heard_with_it() -> None:
    soft = [frame(level) for level in range(1, 10)]
    assert heard(gate_of(), *soft, frame(1000)) == [*soft[-LEAD:], frame(1000)]


@pytest.mark.parametrize(
    ("late_ms", "lead_ms"), [(LATE_AFTER_MS, LEAD_MS), (LATE_AFTER_MS + 0.1, LATE_LEAD_MS)]
)
def test_where_frames_came_late_the_speaker_gets_more_to_play(late_ms: float, lead_ms: int) -> None:
    gate = gate_of(0.0, late_ms, 0.0)
    given = heard(gate, *[SILENCE] * LEAD * 5, frame(1000))
    assert given == [*[SILENCE] * (lead_ms // FRAME_MS), frame(1000)]


def test_after_sound_a_tail_of_silence_is_heard_and_no_more() -> None:
    gate = gate_of()
    tail = [SILENCE] * TAIL
    assert heard(gate, frame(1000), *[SILENCE] * 100) == [frame(1000), *tail]
    again = heard(gate, frame(1000), *[SILENCE] * 100)
    assert again == [*[SILENCE] * LEAD, frame(1000), *tail]


def test_a_pause_between_two_words_is_heard_whole_and_the_first_a_little_longer() -> None:
    word_and_pause = [frame(1000), *[SILENCE] * (TAIL - GROWTH - 1)]
    longer = [*word_and_pause, *[SILENCE] * GROWTH]
    gate = gate_of()
    heard(gate, *[SILENCE] * LEAD)
    assert heard(gate, *word_and_pause * 20)[LEAD:] == [*longer, *word_and_pause * 19]


@pytest.mark.parametrize("pause", range(TAIL - 4, TAIL + 4))
def test_after_any_number_of_pauses_no_more_is_in_hand(pause: int) -> None:
    gate = gate_of()
    heard(gate, *[SILENCE] * LEAD)
    in_hand, most = 0, 0
    for one in [frame(1000), *[SILENCE] * pause] * 20:
        in_hand = max(0, in_hand + len(gate.push(one)) - 1)
        most = max(most, in_hand)
    assert most * FRAME_MS <= IN_HAND_MS


def test_the_first_quiet_frames_between_words_are_heard_twice() -> None:
    quiet = [frame(QUIET_UP_TO - number) for number in range(GROWTH + 5)]
    twice = [one for one in quiet[:GROWTH] for _ in range(2)]
    words = [frame(1000), frame(QUIET_UP_TO + 1)]
    gate = gate_of()
    heard(gate, *[SILENCE] * LEAD)
    assert heard(gate, *words, *quiet)[LEAD:] == [*words, *twice, *quiet[GROWTH:]]


def test_a_soft_beginning_is_no_longer_than_it_was() -> None:
    soft = [frame(SILENT_UP_TO + 1 + number) for number in range(10)]
    assert heard(gate_of(), *soft, frame(1000)) == [*soft, frame(1000)]


def test_after_an_interruption_neither_the_rest_nor_a_tail_is_heard() -> None:
    gate = gate_of()
    heard(gate, frame(1000))
    gate.interrupt()
    assert heard(gate, *[frame(1000)] * 5, *[SILENCE] * 100) == []


def test_an_interrupted_agent_is_heard_again_once_it_was_silent() -> None:
    gate = gate_of()
    heard(gate, frame(1000))
    gate.interrupt()
    lost_frame = [frame(1000), *[SILENCE] * (BREAK - 1), frame(1000)]
    assert heard(gate, *lost_frame, *[SILENCE] * BREAK) == []
    assert heard(gate, frame(2000))[-1] == frame(2000)


def test_an_agent_that_talks_on_after_an_interruption_is_heard_in_the_end() -> None:
    gate = gate_of()
    gate.interrupt()
    frames = [frame(level) for level in range(1000, 1000 + BREAK_LIMIT_MS // FRAME_MS)]
    assert heard(gate, *frames) == frames[-1:]
