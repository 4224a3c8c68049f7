"""The sound that waits to be played, at the rate of the sink, each sample with its event.

Resampling is part of the queue, for the tail of a resampler is sound that waits as well: it comes
out when all before it has been taken, so nothing at the end of an answer is lost. Where one event
follows another without a gap, the 1 to 3 ms that a resampler still held count for the later one.
"""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, samples_from_floats


class Run(msgspec.Struct, frozen=True):
    """Consecutive samples of one event. One is made for each block: quicker than a dataclass.

    Attributes:
        is_fade: whether they are the remains of something interrupted.
    """

    event_id: int | None
    samples: Samples
    is_fade: bool = False


class PlayoutQueue:
    """First in, first out, of at most `capacity` samples. Not thread-safe."""

    def __init__(self, sample_rate_hz: int, capacity: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._capacity = capacity
        self._runs: deque[Run] = deque()
        self._taken_of_first = 0
        self._resampler = Resampler(sample_rate_hz, sample_rate_hz)
        self._last_event_id: int | None = None
        self._size = 0

    @property
    def waiting_frames(self) -> int:
        """How many samples wait, those within the resampler included."""
        return self._size + self._resampler.held

    def put(self, samples: Samples, sample_rate_hz: int, event_id: int | None) -> int:
        """Append samples of any rate; return how many had to be dropped because it is full."""
        dropped = 0
        if sample_rate_hz != self._resampler.from_rate_hz:
            dropped = self._put_tail()
            self._resampler = Resampler(sample_rate_hz, self._sample_rate_hz)
        self._last_event_id = event_id
        return dropped + self._append(self._resampler.push(samples), event_id)

    def take(self, frames: int) -> list[Run]:
        """Take out the next `frames` samples, or as many as there are."""
        if self._size < frames:
            self._put_tail()
        taken = []
        while frames and self._runs:
            run, start = self._runs[0], self._taken_of_first
            left = len(run.samples) - start
            if left > frames:
                self._taken_of_first += frames
                left = frames
            else:
                self._runs.popleft()
                self._taken_of_first = 0
            frames -= left
            self._size -= left
            if left == len(run.samples):
                taken.append(run)
            else:
                samples = run.samples[start : start + left]
                taken.append(Run(run.event_id, samples, run.is_fade))
        return taken

    def fade_out(self, frames: int) -> None:
        """Drop everything but the next `frames` samples, and let these fade to silence.

        Where fewer wait they fade as steeply, and end above silence.
        """
        remains = self.take(frames)
        self._runs.clear()
        self._taken_of_first = 0
        self._resampler.reset()
        self._size = 0
        gains = np.linspace(1.0, 0.0, frames)
        start = 0
        for run in remains:
            end = start + len(run.samples)
            faded = samples_from_floats(run.samples * gains[start:end])
            self._runs.append(Run(run.event_id, faded, is_fade=True))
            self._size += len(faded)
            start = end

    def _put_tail(self) -> int:
        return self._append(self._resampler.flush(), self._last_event_id)

    def _append(self, samples: Samples, event_id: int | None) -> int:
        frames = len(samples)
        fitting = min(frames, max(0, self._capacity - self._size))
        if fitting:
            self._runs.append(Run(event_id, samples if fitting == frames else samples[:fitting]))
            self._size += fitting
        return frames - fitting
