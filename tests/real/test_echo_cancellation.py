"""Echo cancellation on real speech: the echo goes, the words stay. See the benchmark for more."""

from __future__ import annotations

import pytest

from benchmarks.echo_cancellation import (
    DEFAULT,
    PLAYED_S,
    VOICES,
    Processing,
    erle_db,
    say,
    word_error_rate,
)
from benchmarks.word_error_rate import SENTENCES
from tests.real.speech import Listener, SpokenSentences


@pytest.mark.parametrize("delay_ms", [20, 60, 120])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("voice", ["agent", "en-us"])
def test_the_echo_of_speech_is_taken_out(
    spoken: SpokenSentences, voice: str, rate_hz: int, delay_ms: float
) -> None:
    played = say(spoken, voice, SENTENCES[-1], rate_hz)[: PLAYED_S * rate_hz]
    assert erle_db(played, rate_hz, delay_ms) >= 30


def test_gain_control_brings_the_echo_up(spoken: SpokenSentences) -> None:
    played = say(spoken, "en-us", SENTENCES[-1], 16_000)
    amplified = Processing(auto_gain_control=True)
    assert erle_db(played, 16_000, 60) > erle_db(played, 16_000, 60, amplified) + 6


def test_speech_without_an_echo_is_understood_as_well_as_without_processing(
    spoken: SpokenSentences, transcribe: Listener
) -> None:
    rate_hz = 16_000  # the others, and twice as many sentences, are for the benchmark
    texts = list(SENTENCES[6:18:2])
    sentences = {voice: [say(spoken, voice, text, rate_hz) for text in texts] for voice in VOICES}
    unprocessed = word_error_rate(transcribe, sentences, texts, rate_hz, None)
    assert word_error_rate(transcribe, sentences, texts, rate_hz, DEFAULT) <= unprocessed + 0.05
