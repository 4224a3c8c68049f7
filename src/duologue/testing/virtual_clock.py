"""A clock that stands still while anything is done, and jumps ahead when nothing is.

clock = VirtualClock()
clock.run(conversation(MemoryMicrophone(pace=clock), MemorySpeaker(pace=clock)))

So a test of a time limit takes no time, and a minute of sound a moment; and what happens at which
time is the same in every run.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple

from duologue.audio.pacing.beat import Beat, Work

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WORK_LIMIT_S: Final = 5.0
"""How long, in real time, the clock stands still for work in threads before it takes it for stuck.
"""


class VirtualClock:
    """The time of one event loop at a time, which `new_event_loop` makes, and the pace of sources
    and sinks in it.

    Time passes only when nothing is ready to run in the loop: then it is at once the time of the
    next timer. Work that the loop has given to threads (`run_in_executor`, `asyncio.to_thread`, the
    library's own) is waited for and takes no time; other threads, and what is on its way through a
    socket, the clock knows nothing of.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        """Seconds since the clock was made. May be called from any thread."""
        return self._now_s

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop whose time is this clock's: a `loop_factory` for `asyncio.Runner`."""
        self._loop = _VirtualLoop(self)
        return self._loop

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine by this clock, as `asyncio.run` does by that of the machine."""
        with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
            return runner.run(main)

    def advance(self, seconds: float) -> None:
        """Let time pass. For the event loop; tests use `asyncio.sleep`."""
        self._now_s += seconds

    def beat(self, work: Work) -> Beat:
        """See `duologue.audio.pacing.beat.Pace`: sources and sinks call this.

        Work is done in the loop.

        Raises:
            RuntimeError: the clock has no event loop yet.
        """
        if self._loop is None:
            raise RuntimeError(
                "this clock has no event loop; run the conversation with its method `run`, or take "
                "the loop from `new_event_loop`"
            )
        return _LoopBeat(self._loop, work)


class _LoopBeat:
    """Work done by timers of the loop. See `duologue.audio.pacing.beat.Beat`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Work) -> None:
        self._loop = loop
        self._work = work
        self._began_s = 0.0
        self._blocks = 0
        self._stopped = False
        # Held while the work is done: `stop` waits for it, unless it is called within.
        self._lock = threading.RLock()

    def start(self) -> None:
        self._began_s = self._loop.time()
        self._loop.call_soon_threadsafe(self._set_timer)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True

    def _set_timer(self) -> None:
        self._blocks += 1
        due_s = self._began_s + self._blocks * self._work.block_ms / 1000
        self._loop.call_at(due_s, self._do_block)

    def _do_block(self) -> None:
        with self._lock:
            if self._stopped:
                return
            try:
                self._work.do(1)
            except Exception as error:
                self._work.failed(error)
            else:
                self._set_timer()


class _VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, with the time of a `VirtualClock`."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._in_threads: set[asyncio.Future[Any]] = set()
        super().__init__(_JumpingSelector(self._in_threads, clock.advance))

    def time(self) -> float:
        return self._clock.now()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        outcome = super().run_in_executor(executor, func, *args)
        self._in_threads.add(outcome)
        outcome.add_done_callback(self._in_threads.discard)
        return outcome

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        # Without its limit, which would be over at once: threads take real time to end.
        await super().shutdown_default_executor()


class _JumpingSelector(selectors.DefaultSelector):
    """Where an event loop waits. This one does not: it lets the time pass.

    Args:
        in_threads: work whose outcome is waited for before time may pass.
        advance: lets time pass, by so many seconds.
    """

    def __init__(
        self, in_threads: set[asyncio.Future[Any]], advance: Callable[[float], None]
    ) -> None:
        super().__init__()
        self._in_threads = in_threads
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)  # no timer is set: only a thread or a signal can go on
        if self._in_threads:
            ready = super().select(WORK_LIMIT_S)
            if ready:
                return ready
            self._in_threads.clear()
        self._advance(timeout)
        return []
