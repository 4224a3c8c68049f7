"""Sound that a voice activity detector takes for a voice, made from nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
PITCH_HZ = 120.0
HARMONICS = 40
PEAK = 20_000

Samples = npt.NDArray[np.int16]


def vowels(duration_s: float) -> Samples:
    """A hum of a varying pitch through three wandering formants, like a long "aeiou"."""
    t = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    pitch_hz = PITCH_HZ + 20 * np.sin(2 * np.pi * 2.3 * t) + 8 * np.sin(2 * np.pi * 5.1 * t)
    cycles = np.cumsum(pitch_hz) / RATE_HZ
    formants = (
        (500 + 250 * np.sin(2 * np.pi * 1.7 * t), 120.0, 1.0),
        (1500 + 500 * np.sin(2 * np.pi * 1.1 * t + 1), 180.0, 0.6),
        (np.full_like(t, 2600.0), 250.0, 0.3),
    )
    sound = np.zeros_like(t)
    for harmonic in range(1, HARMONICS):
        weight = 0.01 + sum(
            gain * np.exp(-(((harmonic * pitch_hz - centre_hz) / width_hz) ** 2))
            for centre_hz, width_hz, gain in formants
        )
        sound += weight / np.sqrt(harmonic) * np.sin(2 * np.pi * harmonic * cycles)
    sound *= 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t)
    samples: Samples = (sound / np.abs(sound).max() * PEAK).astype(np.int16)
    return samples


def silence(duration_s: float) -> Samples:
    """Nothing."""
    return np.zeros(round(duration_s * RATE_HZ), dtype=np.int16)


def said(duration_s: float, quiet_s: float = 1.0) -> Samples:
    """A voice, and the silence that tells that it has ended."""
    return np.concatenate([vowels(duration_s), silence(quiet_s)])
