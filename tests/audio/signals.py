"""Sounds for tests, as samples."""

from __future__ import annotations

import numpy as np

from duologue.audio.samples import FULL_SCALE, Samples, samples_from_floats


def tone(
    duration_ms: float, sample_rate_hz: int, *, hz: float = 440.0, dbfs: float = -9.0
) -> Samples:
    """A sine of that root mean square, with 5 ms of fading at either end."""
    count = round(duration_ms * sample_rate_hz / 1000)
    wave = np.sin(2 * np.pi * hz * np.arange(count) / sample_rate_hz)
    return samples_from_floats(
        wave * np.sqrt(2) * _magnitude(dbfs) * _envelope(count, sample_rate_hz)
    )


def noise(duration_ms: float, sample_rate_hz: int, *, dbfs: float, seed: int = 1) -> Samples:
    """White noise of that root mean square."""
    count = round(duration_ms * sample_rate_hz / 1000)
    return samples_from_floats(
        np.random.default_rng(seed).standard_normal(count) * _magnitude(dbfs)
    )


def _magnitude(dbfs: float) -> float:
    return float(FULL_SCALE * 10 ** (dbfs / 20))


def _envelope(count: int, sample_rate_hz: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    from_edge = np.minimum(np.arange(count), np.arange(count)[::-1])
    return np.minimum(1.0, from_edge / (sample_rate_hz * 0.005))
