"""The pace of this machine's monotonic clock, which all share who have no clock of their own."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref

from duologue.audio.pacing.beat import Beat, Work
from duologue.audio.pacing.loop_ticker import LoopTicker, keeps_real_time
from duologue.audio.pacing.ticker import Ticker


class RealTime:
    """The pace of real time.

    What never blocks is done in the event loop that wants it, all else by one thread of this
    process.
    """

    now = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)

    def beat(self, work: Work) -> Beat:
        if work.loop is None or not keeps_real_time(work.loop):
            return self._ticker.beat(work)
        with self._lock:
            ticker = self._loops.get(work.loop)
            if ticker is None:
                ticker = LoopTicker(self._ticker, self.now)
                self._loops[work.loop] = ticker
        return ticker.beat(work)

    def _forget(self) -> None:
        """A child that was forked has none of the threads, and none of the work is its own."""
        self._ticker = Ticker(self)
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopTicker] = (
            weakref.WeakKeyDictionary()
        )


REAL_TIME = RealTime()
