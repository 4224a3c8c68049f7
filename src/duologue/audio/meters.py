"""How loud sound is at the moment and what it is made of, for a display."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from duologue.audio.analyser import FFT_SIZE, Analyser
from duologue.audio.latest import LatestSamples
from duologue.audio.samples import FULL_SCALE, Samples, silence

WINDOW_MS = 50
"""Long enough to hold a period of the deepest voice, short enough to look immediate."""


class Meters:
    """The level and the spectrum of one stream. One thread pushes, any thread reads.

    Pushing only keeps what came: all work is done for those who read.

    Attributes:
        push: takes the sound that comes next; it is not to be changed afterwards.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        """
        Raises:
            ValueError: sound of that rate holds nothing of a voice: it is 200 Hz or less.
        """
        self._window_size = max(1, sample_rate_hz * WINDOW_MS // 1000)
        size = max(FFT_SIZE, self._window_size)
        self._latest = LatestSamples(size, (silence(size),))
        self._analyser = Analyser(sample_rate_hz, self._latest)
        self.push: Callable[[Samples], None] = self._latest.push

    def level(self) -> float:
        """The root mean square of the last 50 ms, from 0 (silence) to 1 (full scale)."""
        window = np.concatenate(self._latest.blocks)[-self._window_size :]
        return float(np.sqrt(np.mean(np.square(window, dtype=np.float64)))) / FULL_SCALE

    def voice_range_data(self) -> bytes:
        """The spectrum; see `Analyser.voice_range_data`."""
        return self._analyser.voice_range_data()
