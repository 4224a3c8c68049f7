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
import math
import threading
from collections.abc import Callable
from typing import Final

from duologue.audio.pacing.beat import BLOCK_MS, MAX_CATCH_UP_S, STOP_LIMIT_S, Clock
from duologue.audio.pacing.hand_over import Batch, together
from duologue.audio.pacing.paced_thread import keep_pace

_logger = logging.getLogger("duologue")

LOOK_EVERY_S: Final = 0.05
"""A piece of work that is seen at two looks has taken so long at least, and twice that at most."""

SLOW_S: Final = 0.02
"""A piece of work that takes longer holds others up: they are due every 10 ms. Threads that compute
delay each other by 5 ms at a time, so what only waits for the interpreter is quicker than that."""

SLOW_TIMES: Final = 3
SLOW_WITHIN_S: Final = 1.0
"""Once is an accident. So often within so long, it is a habit."""

_BLOCK_S: Final = BLOCK_MS / 1000


class TickedBeat:
    """Work that a ticker does. See `duologue.audio.pacing.beat.Beat`."""

    def __init__(
        self,
        ticker: Ticker,
        name: str,
        work: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.name = name
        self.next_tick = 0
        self.stopping = threading.Event()
        self._ticker = ticker
        self._work = work
        self._failed = failed
        # Held while the work is done: `stop` waits for it, unless it is called within.
        self._working = threading.RLock()
        self._slow_at_s: list[float] = []

    def start(self) -> None:
        self._ticker.add(self)

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, after 2 s at most."""
        self.stopping.set()
        self._ticker.remove(self)
        if self._working.acquire(timeout=STOP_LIMIT_S):
            self._working.release()
        else:
            _logger.warning(
                "%s still works %.0f s after it was told to stop", self.name, STOP_LIMIT_S
            )

    def do(self) -> None:
        """Do one block. For the thread whose turn it is."""
        with self._working:
            if self.stopping.is_set():
                return
            try:
                self._work()
            except Exception as error:
                self.stopping.set()
                self._ticker.remove(self)
                self._report(error)

    def _report(self, error: Exception) -> None:
        try:
            self._failed(error)
        except Exception:  # the thread is not this beat's alone
            _logger.exception("what was told that %s failed has failed itself", self.name)

    def has_been_slow(self, now_s: float) -> bool:
        """Take note of a slow block; true if it was one too many."""
        recent = [at_s for at_s in self._slow_at_s if now_s - at_s < SLOW_WITHIN_S]
        self._slow_at_s = [*recent, now_s]
        return len(self._slow_at_s) >= SLOW_TIMES


class _Shift:
    """One thread's time at the ticker.

    Attributes:
        tick: which tick it waits for or works on.
        at_work: whose work it does at the moment.
        pieces: how many pieces of work it has begun.
        batch: what was said to event loops in this round.
        relieved: whether another thread goes on in its place.
    """

    def __init__(self, ticker: Ticker, tick: int, ending: threading.Event) -> None:
        self._ticker = ticker
        self._ending = ending
        self.tick = tick
        self.at_work: TickedBeat | None = None
        self.pieces = 0
        self.batch = Batch()
        self.relieved = False
        self.thread = threading.Thread(target=self._run, name="duologue pace", daemon=True)

    def _run(self) -> None:
        while self._ticker.wait_for(self, self._ending):
            with together() as self.batch:
                self._work()
            if not self._ticker.rest(self):
                break
            self.tick += 1
        if self.relieved and self.at_work is not None:
            self._ticker.leave_alone(self.at_work)

    def _work(self) -> None:
        ticker = self._ticker
        now_s = ticker.now()
        for beat in ticker.beats:
            if beat.next_tick > self.tick:
                continue
            if not ticker.begin(self, beat):
                return
            beat.do()
            began_s, now_s = now_s, ticker.now()
            if now_s - began_s > SLOW_S and beat.has_been_slow(now_s):
                ticker.relieve(self, self.pieces)


class Ticker:
    """Does the work of many beats, each once a block. Thread-safe.

    Its threads are there while there are beats.

    Attributes:
        beats: whose work is done.
        now: gives seconds that never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.now = clock.now
        self._lock = threading.Lock()
        self._shift: _Shift | None = None
        self._watch: threading.Thread | None = None
        self._ending = threading.Event()
        self._first_tick_s = 0.0
        self.beats: tuple[TickedBeat, ...] = ()

    def beat(
        self, name: str, work: Callable[[], None], *, failed: Callable[[Exception], None]
    ) -> TickedBeat:
        """See `duologue.audio.pacing.beat.Pace.beat`."""
        return TickedBeat(self, name, work, failed)

    def add(self, beat: TickedBeat) -> None:
        """Do this work from now on: at the first tick that is at least a block away."""
        with self._lock:
            now_s = self.now()
            if self._shift is None:
                self._first_tick_s = now_s + _BLOCK_S
                beat.next_tick = 0
                self.beats = (beat,)
                self._begin()
            else:
                latest = math.floor((now_s - self._first_tick_s) / _BLOCK_S)
                beat.next_tick = max(self._shift.tick + 1, latest + 2)
                self.beats = (*self.beats, beat)

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

    def wait_for(self, shift: _Shift, ending: threading.Event) -> bool:
        """Wait until a shift's next tick is due; false if there is nothing left to do."""
        with self._lock:
            late_s = self.now() - (self._first_tick_s + shift.tick * _BLOCK_S)
            if late_s > MAX_CATCH_UP_S:
                self._first_tick_s += late_s
        return not self._clock.wait(ending, max(0.0, -late_s))

    def begin(self, shift: _Shift, beat: TickedBeat) -> bool:
        """Let a shift do a beat's work; false if that is no longer its business."""
        with self._lock:
            if shift.relieved:
                return False
            shift.at_work = beat
            shift.pieces += 1
            beat.next_tick = shift.tick + 1
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
            self._begin_shift(shift.tick)
        shift.batch.hand_over()
        _logger.warning(
            "%s blocks: %d ms of sound took it more than %d ms; it gets a thread of its own, so "
            "that others are not late",
            beat.name,
            BLOCK_MS,
            SLOW_S * 1000,
        )

    def leave_alone(self, beat: TickedBeat) -> None:
        """Do nothing but this work in this thread."""
        threading.current_thread().name = beat.name
        keep_pace(beat.do, beat.stopping, self._clock, _BLOCK_S)

    def _begin(self) -> None:
        self._ending = threading.Event()
        self._begin_shift(0)
        self._watch = threading.Thread(
            target=self._look, args=(self._ending,), name="duologue pace watch", daemon=True
        )
        self._watch.start()

    def _begin_shift(self, tick: int) -> None:
        self._shift = _Shift(self, tick, self._ending)
        self._shift.thread.start()

    def _look(self, ending: threading.Event) -> None:
        """See whether anybody blocks, as long as there is anything to do."""
        seen: tuple[_Shift, int] | None = None
        while not self._clock.wait(ending, LOOK_EVERY_S):
            shift = self._shift
            if shift is None or shift.at_work is None:
                seen = None
            elif seen == (shift, shift.pieces):
                self.relieve(*seen)
            else:
                seen = (shift, shift.pieces)
