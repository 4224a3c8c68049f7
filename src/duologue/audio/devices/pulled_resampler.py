"""Sound that is asked for at one rate, and made at another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence


class PulledResampler:
    """Asks for as much sound at `from_rate_hz` as is asked of it at `to_rate_hz`.

    Where the rates are equal, sound passes through as it is. Belongs to one thread.
    """

    def __init__(
        self, render: Callable[[int], memoryview], from_rate_hz: int, to_rate_hz: int
    ) -> None:
        """
        Args:
            render: gives so many samples at `from_rate_hz`; see `Sink.start`.

        Raises:
            ValueError: a rate is below 1.
        """
        self._render = render
        self._resampler = Resampler(from_rate_hz, to_rate_hz)
        self._ready: Samples = silence(0)

    def render(self, frames: int) -> memoryview:
        """Give exactly `frames` samples at `to_rate_hz`."""
        from_hz, to_hz = self._resampler.from_rate_hz, self._resampler.to_rate_hz
        if from_hz == to_hz:
            return self._render(frames)
        while (missing := frames - len(self._ready)) > 0:
            wanted = -(-missing * from_hz // to_hz)
            more = self._resampler.push(samples_from_bytes(self._render(wanted)))
            self._ready = np.concatenate((self._ready, more))
        block, self._ready = self._ready[:frames], self._ready[frames:]
        return bytes_from_samples(block)
