"""The pace of this machine's monotonic clock, which all share who have no clock of their own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from duologue.audio.pacing.beat import BLOCK_MS, Beat
from duologue.audio.pacing.ticker import Ticker


class RealTime:
    """The pace of real time, with one thread for all beats of this process."""

    def __init__(self) -> None:
        self._ticker = Ticker(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    now = staticmethod(time.monotonic)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)

    def beat(
        self,
        name: str,
        work: Callable[[], None],
        *,
        failed: Callable[[Exception], None],
        block_ms: int = BLOCK_MS,
    ) -> Beat:
        return self._ticker.beat(name, work, failed=failed, block_ms=block_ms)

    def _forget(self) -> None:
        """A child that was forked has none of the threads, and none of the work is its own."""
        self._ticker = Ticker(self)


REAL_TIME = RealTime()
