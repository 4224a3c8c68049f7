"""Gain that moves gradually, so that a change of volume makes no click."""

from __future__ import annotations

import numpy as np

from duologue.audio.samples import Samples, samples_from_floats

RAMP_MS = 10
"""From silence to full volume: at once to the ear, yet without a click."""


class RampedGain:
    """Multiplies a stream of samples with a gain, 10 ms from 0 to 1. Not thread-safe.

    Attributes:
        target: the gain to reach, 0 to 1.
    """

    def __init__(self, sample_rate_hz: int, *, ramp_ms: int = RAMP_MS) -> None:
        self.target = 1.0
        self._current = 1.0
        self._step = 1000 / (sample_rate_hz * ramp_ms)

    @property
    def is_silent(self) -> bool:
        """Whether the gain has come down to 0."""
        return self._current == 0.0

    @property
    def is_full(self) -> bool:
        """Whether samples stay as they are, for good unless another gain is wanted."""
        return self._current == self.target == 1.0

    def ramp(self, begin: float, target: float) -> None:
        """Move from one gain to another, whatever it was before."""
        self._current, self.target = begin, target

    def apply(self, samples: Samples) -> Samples:
        """Return the samples with the gain applied, which moves on by their duration."""
        if self.is_full or not len(samples):
            return samples
        low, high = sorted((self._current, self.target))
        step = self._step if self.target > self._current else -self._step
        gains = np.clip(self._current + step * np.arange(1, len(samples) + 1), low, high)
        self._current = float(gains[-1])
        return samples_from_floats(samples * gains)
