"""A source that plays an array as if it were a microphone, and a sink that keeps what it played."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import cached_property

import numpy as np

from duologue.audio.pacing.beat import BLOCK_MS, Pace
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import (
    Samples,
    bytes_from_samples,
    milliseconds,
    samples_from_bytes,
    silence,
)
from duologue.audio.speech_detector import last_voiced_frame_end_ms

KEPT_BY_SINK_MS = 60 * 60 * 1000
"""An `ArraySink` keeps the last hour (115 MB at 16 kHz), so that a forgotten one stays bounded."""


class ArraySource(PacedEndpoint):
    """A source that plays samples at the pace of real time, then silence until it is stopped.

    With `held=True` it delivers silence until `begin` is called. `begin` and the properties may be
    used from any thread; for `start` and `stop` see `PacedEndpoint`.
    """

    may_block = False

    def __init__(
        self,
        samples: Samples,
        sample_rate_hz: int,
        *,
        held: bool = False,
        pace: Pace = REAL_TIME,
    ) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)
        self._samples = samples
        self._may_begin = threading.Event()
        if not held:
            self._may_begin.set()
        self._position = 0
        self._began_at_s: float | None = None

    def begin(self) -> None:
        """Let the samples follow, from the next block on. Without effect once they do."""
        self._may_begin.set()

    @property
    def duration_ms(self) -> float:
        """How long the samples last."""
        return milliseconds(len(self._samples), self.sample_rate_hz)

    @property
    def finished(self) -> bool:
        """Whether all samples have been delivered."""
        return self._position >= len(self._samples)

    @property
    def began_at_s(self) -> float | None:
        """When the first sample was "spoken", by the monotonic clock; None before.

        As with a microphone, a block is delivered when its last sample has been spoken.
        """
        return self._began_at_s

    @cached_property
    def last_voiced_ms(self) -> int | None:
        """Where in the samples speech ends (see `SpeechDetector`); None if there is none."""
        return last_voiced_frame_end_ms(self._samples, self.sample_rate_hz)

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Begin to deliver blocks; see `PacedEndpoint.keep_pace`.

        Raises:
            RuntimeError: it is running already.
        """
        self.keep_pace(lambda frames: deliver(bytes_from_samples(self._next_block(frames))))

    def _next_block(self, frames: int) -> Samples:
        if self.finished or not self._may_begin.is_set():
            return silence(frames)
        if self._began_at_s is None:
            self._began_at_s = self._pace.now() - self.block_ms / 1000
        block = self._samples[self._position : self._position + frames]
        self._position += len(block)
        if len(block) == frames:
            return block.copy()  # the memory belongs to the receiver
        return np.concatenate((block, silence(frames - len(block))))


class ArraySink(PacedEndpoint):
    """A sink that plays into memory at the pace of real time.

    `heard` may be called from any thread at any time; for `start` and `stop` see `PacedEndpoint`.
    """

    may_block = False

    def __init__(self, sample_rate_hz: int, *, pace: Pace = REAL_TIME) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)
        self._blocks: deque[Samples] = deque(maxlen=KEPT_BY_SINK_MS // BLOCK_MS)

    def heard(self) -> Samples:
        """All that has been played so far, silence included: the last hour of it at most."""
        return np.concatenate((silence(0), *self._blocks.copy()))

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Begin to play blocks; see `PacedEndpoint.keep_pace`.

        Raises:
            RuntimeError: it is running already.
        """
        self.keep_pace(lambda frames: self._blocks.append(samples_from_bytes(render(frames))))
