"""One side of a recording: blocks that come with their times become an unbroken stream."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, silence

JUMP_S: Final = 1.0
"""A block later than this follows a gap; an earlier one may belong to a thread that catches up."""

DRIFT_S: Final = 0.06
"""By so much a stream may be beside its times: blocks come in bursts, and nobody hears it."""

DRIFT_WINDOW_S: Final = 2.0
"""A stream is put right when every block of so long was beside its time."""


class Track:
    """Places blocks by the time at which they were heard, at the rate of the recording.

    `put` belongs to the thread of a device; the rest to one other thread.
    """

    def __init__(self, rate_hz: int, recording_rate_hz: int, begin_s: float) -> None:
        """
        Args:
            rate_hz: the rate of the blocks.
            recording_rate_hz: the rate of what `take` gives.
            begin_s: the time of the recording's first sample.
        """
        self._arrived: deque[tuple[float, Samples]] = deque()
        self._resampler = Resampler(rate_hz, recording_rate_hz)
        self._rate_hz = rate_hz
        self._recording_rate_hz = recording_rate_hz
        self._begin_s = begin_s
        self._drift = _Drift()
        self._resumes = True
        self._surplus = 0
        self._ready: Samples = silence(0)
        self._taken = 0

    def put(self, begin_s: float, samples: Samples) -> None:
        """Add a block that was heard from `begin_s` on."""
        self._arrived.append((begin_s, samples))

    @property
    def ready(self) -> int:
        """Up to which sample of the recording this side is complete."""
        while self._arrived:
            self._place(*self._arrived.popleft())
        return self._taken + len(self._ready)

    def take(self, until: int) -> Samples:
        """Give what there is up to a sample of the recording, with silence where nothing is."""
        if until > self.ready:
            self._pad(until)
            self._resumes = True  # what comes next is placed by its time alone
        count = until - self._taken
        taken, self._ready = self._ready[:count], self._ready[count:]
        self._taken = until
        return taken

    @property
    def _end_s(self) -> float:
        """The time at which what there is ends."""
        samples = self._taken + len(self._ready) + self._resampler.held
        return self._begin_s + samples / self._recording_rate_hz

    def _place(self, begin_s: float, samples: Samples) -> None:
        lateness_s = begin_s - self._end_s
        shift_s = self._drift.update(lateness_s, len(samples) / self._rate_hz)
        if self._resumes or lateness_s > JUMP_S:
            shift_s = max(0.0, lateness_s)
            self._resumes = False
        if shift_s > 0:
            self._pad(round((self._end_s + shift_s - self._begin_s) * self._recording_rate_hz))
        elif shift_s < 0:
            self._surplus = round(-shift_s * self._rate_hz)
        dropped = min(self._surplus, len(samples))
        self._surplus -= dropped
        samples = samples[dropped:]
        self._ready = np.concatenate((self._ready, self._resampler.push(samples)))

    def _pad(self, until: int) -> None:
        """Go on at a later sample, after silence."""
        rest = self._resampler.flush()
        missing = max(0, until - self._taken - len(self._ready) - len(rest))
        self._ready = np.concatenate((self._ready, rest, silence(missing)))


class _Drift:
    """Finds out whether a stream is beside its times for good, or only in bursts."""

    def __init__(self) -> None:
        self._lateness_s: list[float] = []
        self._observed_s = 0.0

    def update(self, lateness_s: float, duration_s: float) -> float:
        """Take note of how late a block came; tell by how much to shift what follows, often 0."""
        self._lateness_s.append(lateness_s)
        self._observed_s += duration_s
        if self._observed_s < DRIFT_WINDOW_S:
            return 0.0
        earliest_s, latest_s = min(self._lateness_s), max(self._lateness_s)
        self._lateness_s, self._observed_s = [], 0.0
        if earliest_s > DRIFT_S:
            return earliest_s
        return latest_s if latest_s < -DRIFT_S else 0.0
