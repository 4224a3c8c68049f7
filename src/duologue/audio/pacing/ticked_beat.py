"""Work that is done among other work, block after block, by whoever has the turn."""

from __future__ import annotations

import logging
import math
import threading
from typing import Final, Protocol

from duologue.audio.pacing.beat import BLOCK_MS, MAX_CATCH_UP_S, STOP_LIMIT_S, Work

_logger = logging.getLogger("duologue")

TICK_S: Final = 0.005
"""What is due between two ticks is done at the second: so many wake-ups at most, 200 a second."""


def tick_after(moment_s: float) -> float:
    """The first tick that is not before a moment, but for a rounding error."""
    return math.ceil(moment_s / TICK_S - 1e-3) * TICK_S


class Doer(Protocol):
    """Whoever does the work of many."""

    def add(self, beat: TickedBeat) -> None:
        """Do this work from now on."""

    def remove(self, beat: TickedBeat) -> None:
        """Do this work no more. Without effect for work that is not done here."""


class TickedBeat:
    """See `duologue.audio.pacing.beat.Beat`.

    Attributes:
        work: what is done.
        due_s: when the next block is due.
        is_short: whether its blocks are so short that several may be done at once.
        stopping: set when nothing more is to be done.
    """

    def __init__(self, doer: Doer, work: Work) -> None:
        self.work = work
        self.stopping = threading.Event()
        self.due_s = 0.0
        self.is_short = work.block_ms <= BLOCK_MS
        self._doer = doer
        self._do = work.do
        self._block_s = work.block_ms / 1000
        self._began_s = 0.0
        self._blocks = 0
        # Held while the work is done: `stop` waits for it, unless it is called within.
        self._working = threading.RLock()

    def start(self) -> None:
        self._doer.add(self)

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, after 2 s at most."""
        self.stopping.set()
        self._doer.remove(self)
        if self._working.acquire(timeout=STOP_LIMIT_S):
            self._working.release()
        else:
            _logger.warning(
                "%s still works %.0f s after it was told to stop", self.work.name, STOP_LIMIT_S
            )

    def begin_at(self, began_s: float) -> None:
        """Let the next block be due one block after a moment."""
        self._began_s, self._blocks = began_s, 1
        self.due_s = began_s + self._block_s

    def take_turn(self, now_s: float, *, at_once: bool = False) -> int:
        """Let the block after the next one be due: nothing drifts by it, and nothing floods.

        Args:
            now_s: the time.
            at_once: whether all that is due is to be done at once, or one block of it.

        Returns:
            How many blocks are to be done now.
        """
        late_s = now_s - self.due_s
        if late_s > MAX_CATCH_UP_S:
            self.begin_at(now_s)
            return 1
        blocks = 1 + int(late_s / self._block_s) if at_once and late_s > 0 else 1
        self._blocks += blocks
        self.due_s = self._began_s + self._blocks * self._block_s
        return blocks

    def do(self, blocks: int = 1) -> None:
        """Do so many blocks."""
        with self._working:
            if self.stopping.is_set():
                return
            try:
                self._do(blocks)
            except Exception as error:
                self.stopping.set()
                self._doer.remove(self)
                self._report(error)

    def _report(self, error: Exception) -> None:
        try:
            self.work.failed(error)
        except Exception:  # the thread is not this beat's alone
            _logger.exception("what was told that %s failed has failed itself", self.work.name)
