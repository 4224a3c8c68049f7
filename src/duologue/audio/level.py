"""How loud sound is at the moment, for a display."""

from __future__ import annotations

import numpy as np

from duologue.audio.samples import FULL_SCALE, Samples, silence

WINDOW_MS = 50
"""Long enough to hold a period of the deepest voice, short enough to look immediate."""


class LevelMeter:
    """The root mean square of the last 50 ms. One thread pushes, any thread reads."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._window_size = max(1, sample_rate_hz * WINDOW_MS // 1000)
        self._window: Samples = silence(0)

    def push(self, samples: Samples) -> None:
        # One assignment of a new array: a reader sees the old window or the new, never a mixture.
        self._window = np.concatenate((self._window, samples))[-self._window_size :]

    def level(self) -> float:
        """From 0 (silence, or nothing yet) to 1 (full scale)."""
        window = self._window
        if not len(window):
            return 0.0
        return float(np.sqrt(np.mean(np.square(window, dtype=np.float64)))) / FULL_SCALE
