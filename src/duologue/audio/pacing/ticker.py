"""One thread that does the work of many beats, block after block.

A thread for each would do as well for one conversation. Hundreds of threads that wake 100 times a
second fight for the interpreter, and everything is late.

So that one beat's work cannot hold up the others', whoever blocks is found out: by a second thread,
which looks 20 times a second whether the first is still at the same piece of work, or, if it blocks
for less than that, by how long its pieces take. The thread in which it blocks is then left to it
alone, and another one goes on with the others.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from typing import Final

from duologue.audio.pacing.beat import STOP_LIMIT_S, Clock, Work
from duologue.audio.pacing.hand_over import Batch, together
from duologue.audio.pacing.paced_thread import keep_pace
from duologue.audio.pacing.ticked_beat import TickedBeat, tick_after

_logger = logging.getLogger("duologue")

LOOK_FOR_NEW_S: Final = 0.01
"""So long is waited at most, where nothing that is known is due sooner."""

LOOK_EVERY_S: Final = 0.05
"""A piece of work that is seen at two looks has taken so long at least, and twice that at most."""

SLOW_S: Final = 0.02
"""A piece of work that takes longer holds others up: they are due every 10 ms. Threads that compute
delay each other by 5 ms at a time, so what only waits for the interpreter is quicker than that."""

SLOW_IN_ALL_S: Final = 0.15
SLOW_WITHIN_S: Final = 1.0
"""Slow pieces that take so much of so long are a habit. On a busy machine every piece is slow now
and then, but not the same one all the time."""


class Slowness:
    """Who was slow of late. Belongs to the thread that does the work."""

    def __init__(self) -> None:
        self._slow: defaultdict[TickedBeat, list[tuple[float, float]]] = defaultdict(list)

    def is_habit(self, beat: TickedBeat, now_s: float, took_s: float) -> bool:
        """Take note of a slow block; true if this beat is slow as a habit."""
        since_s = now_s - SLOW_WITHIN_S
        for other, blocks in list(self._slow.items()):
            self._slow[other] = [block for block in blocks if block[0] > since_s]
            if not self._slow[other]:
                del self._slow[other]
        self._slow[beat].append((now_s, took_s))
        return sum(took for _, took in self._slow[beat]) >= SLOW_IN_ALL_S


class _Shift:
    """One thread's time at the ticker.

    Attributes:
        at_work: whose work it does at the moment.
        pieces: how many pieces of work it has begun.
        batch: what was said to event loops in this round.
        relieved: whether another thread goes on in its place.
    """

    def __init__(self, ticker: Ticker, ending: threading.Event) -> None:
        self._ticker = ticker
        self._ending = ending
        self.at_work: TickedBeat | None = None
        self.pieces = 0
        self.batch = Batch()
        self.relieved = False
        self.thread = threading.Thread(target=self._run, name="duologue pace", daemon=True)

    def _run(self) -> None:
        due_s = self._ticker.now()
        while self._ticker.wait_until(due_s, self._ending):
            with together() as self.batch:
                due_s = self._work()
            if not self._ticker.rest(self):
                break
        if self.relieved and self.at_work is not None:
            self._ticker.leave_alone(self.at_work)

    def _work(self) -> float:
        """Do a block of whatever is due; tell when the next one is."""
        ticker = self._ticker
        now_s = began_s = ticker.now()
        next_s = now_s + LOOK_FOR_NEW_S
        for beat in ticker.beats:
            if beat.due_s <= began_s:
                if not ticker.begin(self, beat, now_s):
                    break
                beat.do()
                before_s, now_s = now_s, ticker.now()
                took_s = now_s - before_s
                if took_s > SLOW_S and ticker.slowness.is_habit(beat, now_s, took_s):
                    ticker.relieve(self, self.pieces)
            if beat.due_s < next_s:
                next_s = beat.due_s
        return next_s


class Ticker:
    """Does the work of many beats, each once a block. Thread-safe.

    Its threads are there while there are beats.

    Attributes:
        beats: whose work is done.
        slowness: who of them was slow of late.
        now: gives seconds that never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.now = clock.now
        self._lock = threading.Lock()
        self._shift: _Shift | None = None
        self._watch: threading.Thread | None = None
        self._ending = threading.Event()
        self.slowness = Slowness()
        self.beats: tuple[TickedBeat, ...] = ()

    def beat(self, work: Work) -> TickedBeat:
        """See `duologue.audio.pacing.beat.Pace.beat`."""
        return TickedBeat(self, work)

    def add(self, beat: TickedBeat) -> None:
        """Do this work from the next tick on, the first time one block after it."""
        with self._lock:
            beat.begin_at(tick_after(self.now()))
            self.beats = (*self.beats, beat)
            if self._shift is None:
                self._begin()

    def remove(self, beat: TickedBeat) -> None:
        """Do this work no more. Without effect for work that is not done here."""
        with self._lock:
            self.beats = tuple(other for other in self.beats if other is not beat)
            if self.beats or self._shift is None:
                return
            self._ending.set()
            threads = (self._shift.thread, self._watch)
            self._shift = self._watch = None
        for thread in threads:
            if thread is not None and thread is not threading.current_thread():
                thread.join(STOP_LIMIT_S)

    def wait_until(self, due_s: float, ending: threading.Event) -> bool:
        """Wait for the first tick at which something is due; false if there is nothing to do."""
        wait_s = max(0.0, tick_after(due_s) - self.now())
        return not self._clock.wait(ending, wait_s)

    def begin(self, shift: _Shift, beat: TickedBeat, now_s: float) -> bool:
        """Let a shift do a beat's work; false if that is no longer its business."""
        with self._lock:
            if shift.relieved:
                return False
            shift.at_work = beat
            shift.pieces += 1
            beat.take_turn(now_s)
            return True

    def rest(self, shift: _Shift) -> bool:
        """Let a shift wait for its next tick; false if another one does so already."""
        with self._lock:
            if shift.relieved:
                return False
            shift.at_work = None
            return True

    def relieve(self, shift: _Shift, pieces: int) -> None:
        """Leave a shift's thread to the beat at which it is, and go on with the others in another.

        Args:
            pieces: which piece of work it is; if it has gone on to another, nothing happens.
        """
        with self._lock:
            beat = shift.at_work
            if self._shift is not shift or shift.pieces != pieces or beat is None:
                return
            if len(self.beats) < 2:
                return  # there is nobody whom it holds up
            shift.relieved = True
            self.beats = tuple(other for other in self.beats if other is not beat)
            self._begin_shift()
        shift.batch.hand_over()
        _logger.warning(
            "%s blocks: %d ms of sound took it more than %d ms; it gets a thread of its own, so "
            "that others are not late",
            beat.work.name,
            beat.work.block_ms,
            SLOW_S * 1000,
        )

    def leave_alone(self, beat: TickedBeat) -> None:
        """Do nothing but this work in this thread."""
        threading.current_thread().name = beat.work.name
        keep_pace(beat.do, beat.stopping, self._clock, beat.work.block_ms / 1000)

    def _begin(self) -> None:
        self._ending = threading.Event()
        self._begin_shift()
        self._watch = threading.Thread(
            target=self._look, args=(self._ending,), name="duologue pace watch", daemon=True
        )
        self._watch.start()

    def _begin_shift(self) -> None:
        self._shift = _Shift(self, self._ending)
        self._shift.thread.start()

    def _look(self, ending: threading.Event) -> None:
        """See whether anybody blocks, as long as there is anything to do."""
        seen: tuple[_Shift, int] | None = None
        looked_s = self.now()
        while not self._clock.wait(ending, LOOK_EVERY_S):
            shift = self._shift
            before_s, looked_s = looked_s, self.now()
            if looked_s - before_s > 2 * LOOK_EVERY_S or shift is None or shift.at_work is None:
                # A look that is late itself has waited for a busy machine, as the work may have.
                seen = None
            elif seen == (shift, shift.pieces):
                self.relieve(*seen)
            else:
                seen = (shift, shift.pieces)
