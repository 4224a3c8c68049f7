"""A room for tests of echo cancellation: what the speaker plays comes back to the microphone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, samples_from_floats

REVERBERATION_MS = 100
REFLECTIONS = 60


def babble(duration_s: float, sample_rate_hz: int, *, seed: int = 1, peak: int = 12_000) -> Samples:
    """Noise that swells and pauses as speech does, with most of its power below 2 kHz."""
    count = round(duration_s * sample_rate_hz)
    time_s = np.arange(count) / sample_rate_hz
    noise = np.random.default_rng(seed).standard_normal(count)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    phrases = np.sin(2 * np.pi * 0.65 * time_s) > -0.5
    dull = np.convolve(noise, np.hanning(max(3, sample_rate_hz // 2000)), "same")
    voice = dull * syllables * phrases
    return samples_from_floats(voice / np.abs(voice).max() * peak)


def room_response(sample_rate_hz: int, seed: int = 2) -> npt.NDArray[np.float64]:
    """What a room makes of an impulse: the impulse itself, and its reflections after it."""
    random = np.random.default_rng(seed)
    length = REVERBERATION_MS * sample_rate_hz // 1000
    response = np.zeros(length)
    response[0] = 1.0
    places = random.integers(length // 50, length, REFLECTIONS)
    response[places] = 0.3 * random.standard_normal(REFLECTIONS) * np.exp(-4 * places / length)
    return response


def echo(
    played: Samples, sample_rate_hz: int, *, delay_ms: float, gain_db: float = -6.0, seed: int = 2
) -> Samples:
    """What a microphone hears of what was played, `delay_ms` later, with the room's reflections."""
    heard = np.convolve(played.astype(np.float64), room_response(sample_rate_hz, seed))[
        : len(played)
    ]
    delay = np.zeros(round(delay_ms * sample_rate_hz / 1000))
    return samples_from_floats(np.concatenate((delay, heard))[: len(played)] * 10 ** (gain_db / 20))


def resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.push(samples), resampler.flush()))


def attenuation_db(before: Samples, after: Samples) -> float:
    """By how much the second is weaker than the first; of an echo it is the ERLE."""
    return float(10 * np.log10(_power(before) / max(_power(after), 1e-3)))


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))
