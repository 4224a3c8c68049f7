"""A microphone and a speaker in memory, at the pace of real time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from duologue.audio.pacing.arrays import ArraySink
from duologue.audio.pacing.beat import Pace
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence

MAX_FED_S = 600
"""How much may wait to be spoken, so that a test that feeds in a loop stays bounded."""


class MemoryMicrophone(PacedEndpoint):
    """A source that speaks what it is fed, at the pace of real time, and silence in between."""

    may_block = False

    def __init__(self, sample_rate_hz: int = 16000, *, pace: Pace = REAL_TIME) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)
        self._lock = threading.Lock()
        self._waiting = silence(0)

    def feed(self, pcm: Samples | bytes) -> None:
        """Let this be spoken after what waits already. May be called from any thread.

        Args:
            pcm: int16 mono samples at the microphone's rate, as an array or as little-endian
                bytes.

        Raises:
            ValueError: more than ten minutes would wait, or the number of bytes is odd.
        """
        samples = samples_from_bytes(pcm) if isinstance(pcm, bytes) else pcm
        with self._lock:
            if len(self._waiting) + len(samples) > MAX_FED_S * self.sample_rate_hz:
                raise ValueError(
                    f"a MemoryMicrophone takes {MAX_FED_S} s of sound ahead at most; "
                    "feed it in smaller pieces, as they are spoken"
                )
            self._waiting = np.concatenate((self._waiting, samples))

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Begin to deliver blocks; see `PacedEndpoint.keep_pace`.

        Raises:
            RuntimeError: it is running already.
        """
        self.keep_pace(lambda size: deliver(bytes_from_samples(self._next_block(size))))

    def _next_block(self, size: int) -> Samples:
        with self._lock:
            block, self._waiting = self._waiting[:size], self._waiting[size:]
        return np.concatenate((block, silence(size - len(block))))


class MemorySpeaker(ArraySink):
    """A sink that keeps what it plays, at the pace of real time.

    `heard()` gives the int16 samples that have been played until now: the last hour of them.
    """

    may_block = False

    def __init__(self, sample_rate_hz: int = 16000, *, pace: Pace = REAL_TIME) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace=pace)
