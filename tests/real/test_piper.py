"""The bundled voice: its parts are those of the whole, and it says where it ends."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from piper import PiperVoice

from duologue.agent.speech.speaking.model import PiperModel
from duologue.agent.speech.speaking.piper import GAIN, PiperSynthesizer, parts
from duologue.agent.speech.speaking.synthesis import AUDIBLE, VoicePart
from tests.real.bundled_models import bundled_models
from tests.real.speech import VOICE_SEED

SENTENCES = (
    "The capital of France is Paris.",
    "Certainly!",
    "Please hold on,",
    "There are three primary colors: red, yellow, and blue.",
    "It is half past nine in the morning, and I am here to help you with whatever you like.",
)

Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def model() -> PiperModel:
    return PiperModel(bundled_models().piper, threads=2, seed=VOICE_SEED)


@pytest.fixture(scope="module")
def voice() -> Iterator[PiperSynthesizer]:
    synthesizer = PiperSynthesizer(bundled_models().piper, seed=VOICE_SEED)
    yield synthesizer
    synthesizer.close()


@pytest.fixture(scope="module")
def voice_without_seed() -> Iterator[PiperSynthesizer]:
    synthesizer = PiperSynthesizer(bundled_models().piper)
    yield synthesizer
    synthesizer.close()


async def spoken(voice: PiperSynthesizer, text: str, speed: float = 1.0) -> list[VoicePart]:
    return [part async for part in voice.synthesize(text, speed)]


def joined(heard: list[VoicePart]) -> Samples:
    return np.concatenate([part.samples for part in heard])


@pytest.mark.parametrize("text", SENTENCES)
def test_the_parts_of_a_sentence_are_those_of_the_whole(model: PiperModel, text: str) -> None:
    (sentence,) = model.plan(text)
    again = replace(sentence)
    whole = model.sound(sentence, 0, sentence.frames)
    assert len(whole) == sentence.frames * model.frame_samples
    assert np.abs(whole).max() > 0.1
    cut = np.concatenate([model.sound(again, *part) for part in parts(sentence.frames)])
    assert np.abs(whole - cut).max() < 1 / 32768


async def test_a_sentence_is_as_long_as_the_model_makes_it_and_louder(
    voice: PiperSynthesizer,
) -> None:
    # Noise is part of the model, and theirs is another than ours, so many sentences are compared.
    onnxruntime.set_seed(VOICE_SEED)
    original = PiperVoice.load(bundled_models().piper)
    ours = np.concatenate([joined(await spoken(voice, text)) for text in SENTENCES])
    theirs = np.concatenate(
        [
            original.phoneme_ids_to_audio(original.phonemes_to_ids(original.phonemize(text)[0]))
            for text in SENTENCES
        ]
    )
    assert len(ours) == pytest.approx(len(theirs), rel=0.1)
    assert rms(ours) / 32767 == pytest.approx(GAIN * rms(theirs), rel=0.2)
    assert np.mean(np.abs(ours.astype(int)) >= 32767) < 1e-4


@pytest.mark.parametrize("text", SENTENCES)
async def test_it_says_from_the_first_part_on_where_the_voice_ends(
    voice: PiperSynthesizer, text: str
) -> None:
    heard = await spoken(voice, text)
    assert len({part.voice_end for part in heard}) == 1
    audible_end = np.flatnonzero(np.abs(joined(heard).astype(int)) > AUDIBLE)[-1]
    assert abs(heard[0].voice_end - audible_end) < 0.15 * voice.sample_rate_hz


async def test_the_first_part_is_short_whatever_follows(voice: PiperSynthesizer) -> None:
    heard = await spoken(voice, SENTENCES[-1])
    assert len(heard) > 2
    assert len(heard[0].samples) < 0.25 * voice.sample_rate_hz
    assert np.abs(heard[0].samples.astype(int)).max() > AUDIBLE


async def test_two_sentences_in_one_text_are_both_spoken(voice: PiperSynthesizer) -> None:
    both = await spoken(voice, "Hello there. How are you?")
    first = await spoken(voice, "Hello there.")
    second = await spoken(voice, "How are you?")
    length = len(joined(first)) + len(joined(second))
    assert len(joined(both)) == pytest.approx(length, rel=0.25)
    assert both[0].voice_end == pytest.approx(len(joined(both)), rel=0.25)


async def test_speed_makes_a_sentence_shorter(voice: PiperSynthesizer) -> None:
    usual, fast = [joined(await spoken(voice, SENTENCES[-1], speed)) for speed in (1.0, 1.5)]
    # Not by 1.5: each sound lasts a whole number of frames of 12 ms, rounded up.
    assert 1.2 < len(usual) / len(fast) < 1.5


async def test_with_a_seed_a_sentence_sounds_the_same_whatever_was_said_before(
    voice: PiperSynthesizer,
) -> None:
    first = joined(await spoken(voice, SENTENCES[0]))
    await spoken(voice, SENTENCES[2])
    assert np.array_equal(joined(await spoken(voice, SENTENCES[0])), first)


async def test_without_a_seed_it_never_does_quite(voice_without_seed: PiperSynthesizer) -> None:
    first = joined(await spoken(voice_without_seed, SENTENCES[0]))
    assert not np.array_equal(joined(await spoken(voice_without_seed, SENTENCES[0])), first)


async def test_a_text_without_any_phoneme_has_no_sound(voice: PiperSynthesizer) -> None:
    assert await spoken(voice, "") == []


def rms(samples: npt.NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
