"""Work done at the pace of real time in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from duologue.audio.pacing.beat import MAX_CATCH_UP_S, STOP_LIMIT_S, Clock, Work

_logger = logging.getLogger("duologue")


class PacedThread:
    """Does work once a block, the first time one block after the start.

    `start` and `stop` belong to one thread; `stop` may also be called within the work. An exception
    in the work ends the thread and goes to `failed`, in that thread. A thread runs once.
    """

    def __init__(self, work: Work, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=work.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, after 2 s at most."""
        self._stopping.set()
        if self._thread is threading.current_thread():
            return
        self._thread.join(STOP_LIMIT_S)
        if self._thread.is_alive():
            _logger.warning(
                "The thread %s still works %.0f s after it was told to stop",
                self._thread.name,
                STOP_LIMIT_S,
            )

    def _run(self) -> None:
        try:
            keep_pace(self._do, self._stopping, self._clock, self._work.block_ms / 1000)
        except Exception as error:
            self._work.failed(error)

    def _do(self) -> None:
        self._work.do(1)


def keep_pace(
    do: Callable[[], None], stopping: threading.Event, clock: Clock, block_s: float
) -> None:
    """Call `do` once a block until `stopping` is set, the first time in one block from now."""
    due = clock.now() + block_s
    blocks_since = 0
    while True:
        deadline = due + blocks_since * block_s
        now = clock.now()
        if now - deadline > MAX_CATCH_UP_S:
            due, blocks_since, deadline = now, 0, now
        if clock.wait(stopping, max(0.0, deadline - now)):
            return
        do()
        blocks_since += 1
