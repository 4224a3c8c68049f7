"""A pace for tests: time stands still but for those who wait, so nothing takes real time."""

from __future__ import annotations

import threading

from duologue.audio.pacing.beat import Beat, Work
from duologue.audio.pacing.paced_thread import PacedThread


class VirtualPace:
    """Waiting moves the clock on at once. `lags_s` makes single waits take longer than asked."""

    def __init__(self, lags_s: dict[int, float] | None = None) -> None:
        self.time_s = 100.0
        self.waits = 0
        self._lags_s = lags_s or {}

    def now(self) -> float:
        return self.time_s

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.time_s += seconds + self._lags_s.get(self.waits, 0.0)
        self.waits += 1
        return stop.is_set()

    def beat(self, work: Work) -> Beat:
        return PacedThread(work, self)
