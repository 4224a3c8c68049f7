"""Work that never blocks, done in an event loop: where what comes of it is wanted.

A thread would have to take the interpreter from the loop for each round and give it back, and the
loop would find all of a conversation in the other processor's cache: together as much as the work.

A loop may be held up, by a callback that computes for instance. Sound goes on all the same: a
thread looks after it, and does what is due in the loop's place until that is there again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from duologue.audio.pacing.beat import BLOCK_MS, Work
from duologue.audio.pacing.hand_over import together
from duologue.audio.pacing.ticked_beat import TICK_S, TickedBeat, tick_after
from duologue.audio.pacing.ticker import Ticker

_logger = logging.getLogger("duologue")

EARLY_S: Final = 0.001
"""Event loops may wake so much too early: uvloop counts in milliseconds."""

LATE_S: Final = 0.02
"""A loop that is later is held up, and the thread does the work: as late as two blocks."""

LOOK_EVERY_MS: Final = 50

MANY: Final = 64
"""Of so many sources and sinks those that move short blocks, as sinks do, move four at once. Their
sound comes 30 ms later then, and all of them together take a sixth less of the processor."""

LAG_S: Final = 3 * BLOCK_MS / 1000

AT_ONCE: Final = 50
"""After so many pieces of work what came of them goes on its way, before the others are done."""

LOOK_FOR_NEW_S: Final = 0.01
"""So long is waited at most, where nothing that is known is due sooner."""


def keeps_real_time(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the time of a loop is the machine's; one in tests may have its own."""
    return (
        not isinstance(loop, asyncio.BaseEventLoop) or type(loop).time is asyncio.BaseEventLoop.time
    )


class LoopTicker:
    """Does the work of many beats in one event loop. Thread-safe.

    Args:
        ticker: whose thread stands in for the loop.
        now: gives seconds that never go back.
    """

    def __init__(self, ticker: Ticker, now: Callable[[], float]) -> None:
        self._ticker = ticker
        self._now = now
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._beats: tuple[TickedBeat, ...] = ()
        self._stand_in: TickedBeat | None = None
        # Its handle would hold the loop, by which this is kept as long as that is there.
        self._has_timer = False
        self._next_s = 0.0

    def beat(self, work: Work) -> TickedBeat:
        """See `duologue.audio.pacing.beat.Pace.beat`."""
        return TickedBeat(self, work)

    def add(self, beat: TickedBeat) -> None:
        """Do this work from the next tick on, the first time one block after it."""
        with self._lock:
            beat.begin_at(tick_after(self._now()))
            is_first = not self._beats
            self._beats = (*self._beats, beat)
            if not is_first:
                return
            self._next_s = beat.due_s
            stand_in = self._stand_in = self._ticker.beat(
                Work(
                    name="the stand-in for an event loop",
                    do=self._look,
                    failed=_log_failure,
                    block_ms=LOOK_EVERY_MS,
                )
            )
        stand_in.start()
        assert beat.work.loop is not None
        with suppress(RuntimeError):  # it has closed, and the thread does all of it
            beat.work.loop.call_soon_threadsafe(self._set_timer)

    def remove(self, beat: TickedBeat) -> None:
        """Do this work no more. Without effect for work that is not done here."""
        with self._lock:
            self._beats = tuple(other for other in self._beats if other is not beat)
            if self._beats:
                return
            stand_in, self._stand_in = self._stand_in, None
        if stand_in is not None:
            stand_in.stop()

    def _set_timer(self) -> None:
        if self._beats and not self._has_timer:
            wait_s = max(0.0, tick_after(self._next_s) - self._now())
            self._has_timer = True
            asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._has_timer = False
        if self._turn.acquire(blocking=False):
            try:
                self._work(asyncio.get_running_loop())
            finally:
                self._turn.release()
        else:
            self._next_s = self._now() + TICK_S  # the thread is at it
        self._set_timer()

    def _look(self, blocks: int) -> None:
        """In the thread: do what the loop should have done."""
        if self._now() - self._next_s > LATE_S and self._turn.acquire(blocking=False):
            try:
                self._work(None)
            finally:
                self._turn.release()

    def _work(self, own_loop: asyncio.AbstractEventLoop | None) -> None:
        """Do a block of whatever is due."""
        until_s = self._now() + EARLY_S
        # Of many, those with short blocks wait until four are due, and are done less often.
        short_until_s = until_s - LAG_S if len(self._beats) > MANY else until_s
        due, next_s = [], until_s + LOOK_FOR_NEW_S
        for beat in self._beats:
            early_s = beat.due_s - (short_until_s if beat.is_short else until_s)
            if early_s <= 0.0:
                due.append(beat)
            elif until_s + early_s < next_s:
                next_s = until_s + early_s
        for start in range(0, len(due), AT_ONCE):
            with together(own_loop):
                for beat in due[start : start + AT_ONCE]:
                    beat.do(beat.take_turn(until_s, at_once=True))
        self._next_s = next_s


def _log_failure(error: Exception) -> None:
    # Each piece of work reports what went wrong with it, so this is a mistake of ours.
    _logger.error("nobody stands in for an event loop that is held up", exc_info=error)
