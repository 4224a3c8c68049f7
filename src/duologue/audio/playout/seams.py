"""Where sound is cut off and where it goes on: both without a click."""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.audio.gain import RampedGain
from duologue.audio.samples import Samples, samples_from_floats, silence

SEAM_MS: Final = 5
"""So long the last value decays where sound ends off zero, and so long it fades in after that."""


class Seams:
    """Joins sound and the silence after it to blocks, without steps that the sound itself has not.

    Sound that has ended at zero was over, and what follows begins as it is. Not thread-safe.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._entry = RampedGain(sample_rate_hz, ramp_ms=SEAM_MS)
        self._decay = RampedGain(sample_rate_hz, ramp_ms=SEAM_MS)
        self._decay.ramp(0.0, 0.0)
        self._last = 0
        self._decaying = 0
        self._sounds = False

    def join(self, sound: Samples, frames: int) -> Samples:
        """Give a block of `frames` samples that begins with the sound."""
        if len(sound):
            sound = self._over_decay(self._entry.apply(sound))
            self._last = int(sound[-1])
            self._sounds = True
        gap = frames - len(sound)
        if not gap:
            return sound
        if self._sounds:
            self._end()
        rest = self._over_decay(silence(gap))
        return np.concatenate((sound, rest)) if len(sound) else rest

    def _end(self) -> None:
        self._sounds = False
        if self._last:
            self._decaying = self._last
            self._decay.ramp(1.0, 0.0)
            self._entry.ramp(0.0, 1.0)

    def _over_decay(self, samples: Samples) -> Samples:
        """Add what is left of the value at which sound has ended."""
        if self._decay.is_silent:
            return samples
        rest = self._decay.apply(np.full(len(samples), self._decaying, dtype=np.int16))
        return samples_from_floats(samples.astype(np.float64) + rest)
