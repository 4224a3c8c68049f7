"""Work done at the pace of real time, in a thread of its own: what files and arrays run on.

The n-th block is due at the start plus n blocks, however long the work takes, so nothing drifts;
a thread that is late catches up. Time comes from a `Clock`, so tests need not wait; and a `Pace`
may do without threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

_logger = logging.getLogger("duologue")

BLOCK_MS = 10
"""How much sound files and arrays move at a time: as a device does, so that an interruption, which
takes a block and a fade of 5 ms, is over within 15 ms."""

MAX_CATCH_UP_S = 1.0
"""A thread later than this (the machine slept) goes on from now, rather than flood its receiver."""

JOIN_LIMIT_S = 2.0
"""How long `stop` waits for a block of work that is under way."""


class Clock(Protocol):
    """Where a thread's time comes from, and how it is waited for."""

    def now(self) -> float:
        """Seconds that never go back."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for `seconds`, or less if `stop` is set; tell whether it is."""


class Beat(Protocol):
    """Work that is done once a block, the first time one block after the start.

    An exception in the work ends it. `start` and `stop` belong to one thread; `stop` may also be
    called within the work. A beat runs once.
    """

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, within a few seconds."""


class Pace(Protocol):
    """What sources and sinks without a device keep."""

    def now(self) -> float:
        """Seconds that never go back."""

    def beat(
        self, name: str, work: Callable[[], None], *, failed: Callable[[Exception], None]
    ) -> Beat:
        """Let `work` be done every 10 ms, once it is started.

        Args:
            name: for those who debug.
            work: what to do; in which thread depends on the pace.
            failed: called in that thread with the exception that ended it.
        """


class RealTime:
    """The pace of this machine's monotonic clock, with a thread for each beat."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)

    def beat(
        self, name: str, work: Callable[[], None], *, failed: Callable[[Exception], None]
    ) -> Beat:
        return PacedThread(name, work, failed=failed, clock=self)


class PacedThread:
    """Calls `work` once a block, the first time one block after the start.

    `start` and `stop` belong to one thread; `stop` may also be called within `work`. An exception
    in `work` ends the thread and goes to `failed`, in that thread. A thread runs once.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        *,
        failed: Callable[[Exception], None],
        block_ms: int = BLOCK_MS,
        clock: Clock,
    ) -> None:
        self._work = work
        self._failed = failed
        self._block_s = block_ms / 1000
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, after 2 s at most."""
        self._stopping.set()
        if self._thread is threading.current_thread():
            return
        self._thread.join(JOIN_LIMIT_S)
        if self._thread.is_alive():
            _logger.warning(
                "The thread %s still works %.0f s after it was told to stop",
                self._thread.name,
                JOIN_LIMIT_S,
            )

    def _run(self) -> None:
        try:
            self._keep_pace()
        except Exception as error:
            self._failed(error)

    def _keep_pace(self) -> None:
        due = self._clock.now() + self._block_s
        blocks_since = 0
        while True:
            deadline = due + blocks_since * self._block_s
            now = self._clock.now()
            if now - deadline > MAX_CATCH_UP_S:
                due, blocks_since, deadline = now, 0, now
            if self._clock.wait(self._stopping, max(0.0, deadline - now)):
                return
            self._work()
            blocks_since += 1


REAL_TIME = RealTime()
