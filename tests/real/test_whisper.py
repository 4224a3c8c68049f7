"""Whisper on a window that fits the speech: what it costs in errors, and what it hears in noise."""

import time
from collections.abc import Iterator

import jiwer
import numpy as np
import numpy.typing as npt
import pytest
import soxr

from benchmarks.word_error_rate import measure, plain
from duologue.agent.speech.hearing.whisper import SAMPLE_RATE_HZ, WhisperTranscriber
from duologue.agent.speech.speaking.piper import PiperSynthesizer
from tests.real.bundled_models import bundled_models
from tests.real.speech import VOICE_SEED, SpokenSentences, resampled

MOST_IT_MAY_COST = 0.03
"""In word error rate. With the voice's noise from 12 seeds it was -0.005 to 0.019: the texts differ
in some ten words of 400, now to the one side and now to the other."""
HIGHEST_RATE = 0.15
"""0.073 to 0.099 with those seeds."""

Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def whisper() -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(bundled_models().whisper, draws=False)
    yield transcriber
    transcriber.close()


def test_the_shorter_window_costs_hardly_any_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with capsys.disabled():
        rates = measure()
    assert rates.sentences == 30
    assert rates.shortest_s > 1
    assert 10 < rates.longest_s < 12
    assert rates.on_full_window < HIGHEST_RATE
    assert rates.on_short_window <= rates.on_full_window + MOST_IT_MAY_COST
    assert rates.loops == 0


TELEPHONE_TEXTS = (
    "What color is the sky?",
    "What is the name of the largest ocean?",
    "Which planet do we live on?",
    "Good morning, everybody.",
)
"""Of the sentences of the benchmarks those that are heard without a mistake at 8 kHz."""
TELEPHONE_RATE = 0.15
"""In word error rate: three of 22 words."""

NOISE = np.random.default_rng(1).normal(size=2 * SAMPLE_RATE_HZ)
TIMES = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(SAMPLE_RATE_HZ), id="silence"),
        pytest.param(NOISE * 600, id="soft noise"),
        pytest.param(NOISE * 6000, id="loud noise"),
        pytest.param(3000 * np.sin(2 * np.pi * 120 * TIMES), id="hum"),
        pytest.param(16000 * (TIMES % 0.25 < 0.001), id="clicks"),
    ],
)
async def test_what_is_no_speech_has_no_text(
    whisper: WhisperTranscriber, sound: npt.NDArray[np.float64]
) -> None:
    assert await whisper.transcribe(sound.clip(-32768, 32767).astype(np.int16)) == ""


async def test_one_thread_is_at_work_and_none_spins_beside_it(
    whisper: WhisperTranscriber, spoken: SpokenSentences
) -> None:
    sentence = spoken("What color is the sky?", SAMPLE_RATE_HZ, voice="en-us")
    await whisper.transcribe(sentence)
    begin_s, begin_of_all_s = time.perf_counter(), time.process_time()
    for _ in range(5):
        await whisper.transcribe(sentence)
    took_s, took_all_s = time.perf_counter() - begin_s, time.process_time() - begin_of_all_s
    assert took_all_s < 1.5 * took_s


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3])
async def test_a_sound_too_short_to_be_speech_does_no_harm(
    whisper: WhisperTranscriber, seconds: float
) -> None:
    sound = (NOISE[: int(seconds * SAMPLE_RATE_HZ)] * 6000).astype(np.int16)
    assert len((await whisper.transcribe(sound)).split()) <= 2


@pytest.mark.parametrize("silence_s", [0.0, 0.3, 1.0, 2.0])
async def test_speech_as_a_telephone_carries_it_is_heard_after_any_silence(
    whisper: WhisperTranscriber, spoken: SpokenSentences, silence_s: float
) -> None:
    heard = []
    for text in TELEPHONE_TEXTS:
        sentence = over_the_telephone(spoken(text, 8000, voice="en-us"))
        heard.append(
            plain(await whisper.transcribe(np.concatenate((silence(silence_s), sentence))))
        )
    assert jiwer.wer([plain(text) for text in TELEPHONE_TEXTS], heard) < TELEPHONE_RATE, heard


async def test_more_silence_in_front_changes_nothing(
    whisper: WhisperTranscriber, spoken: SpokenSentences
) -> None:
    # Whisper tiny mishears this one: a little more or less in front would be another text.
    sentence = over_the_telephone(spoken("What color is the sky?", 8000, voice="en-us+f3"))
    texts = {
        await whisper.transcribe(np.concatenate((silence(silence_s), sentence)))
        for silence_s in (0.3, 0.5, 1.0, 2.0)
    }
    assert len(texts) == 1


def over_the_telephone(sound: Samples) -> Samples:
    return resampled(sound, 8000, SAMPLE_RATE_HZ)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), dtype=np.int16)


async def test_speech_longer_than_a_window_is_recognised_to_its_end(
    whisper: WhisperTranscriber,
) -> None:
    speech = await long_speech()
    assert len(speech) > 35 * SAMPLE_RATE_HZ
    text = plain(await whisper.transcribe(speech))
    # So it was with each of 12 seeds; of other words one was misheard now and then.
    assert text.startswith("this is number")
    assert text.endswith("thank you for listening")
    assert text.count("thank you") == 1
    assert text.count("and it says that") == 9


async def long_speech() -> Samples:
    voice = PiperSynthesizer(bundled_models().piper, seed=VOICE_SEED)
    sentences = [
        f"This is number {n}, and it says that {what}."
        for n, what in (
            ("one", "the sun rises in the east"),
            ("two", "water runs down the hill"),
            ("three", "a year has twelve months"),
            ("four", "birds can fly and fish can swim"),
            ("five", "the night is dark and the day is bright"),
            ("six", "bread is made from flour"),
            ("seven", "every river ends in the sea"),
            ("eight", "snow is cold and fire is hot"),
            ("nine", "people like to talk to each other"),
        )
    ]
    pause = np.zeros(voice.sample_rate_hz // 2, dtype=np.int16)
    parts: list[Samples] = []
    for sentence in (*sentences, "Last of all, thank you for listening."):
        parts += [part.samples async for part in voice.synthesize(sentence)]
        parts.append(pause)
    voice.close()
    sound = soxr.resample(np.concatenate(parts), voice.sample_rate_hz, SAMPLE_RATE_HZ)
    return np.asarray(sound, dtype=np.int16)
