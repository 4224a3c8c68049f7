"""How loud sound is at the moment, for a display."""

from __future__ import annotations

import numpy as np

from duologue.audio.latest import LatestSamples
from duologue.audio.samples import FULL_SCALE, Samples

WINDOW_MS = 50
"""Long enough to hold a period of the deepest voice, short enough to look immediate."""


class LevelMeter:
    """The root mean square of the last 50 ms. One thread pushes, any thread reads."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._window_size = max(1, sample_rate_hz * WINDOW_MS // 1000)
        self._latest = LatestSamples(self._window_size)

    def push(self, samples: Samples) -> None:
        """Take the sound that comes next; it is not to be changed afterwards."""
        self._latest.push(samples)

    def level(self) -> float:
        """From 0 (silence, or nothing yet) to 1 (full scale)."""
        blocks = self._latest.blocks
        if not blocks:
            return 0.0
        window = np.concatenate(blocks)[-self._window_size :]
        return float(np.sqrt(np.mean(np.square(window, dtype=np.float64)))) / FULL_SCALE
