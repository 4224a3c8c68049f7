"""An event loop in a thread of its own, and calls into it from other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Final, TypeVar

from duologue.event_loop import new_event_loop

R = TypeVar("R")

INTERRUPTIBLE_S: Final = 0.25
"""A wait is cut into pieces of this length: on Windows Ctrl-C is heeded only between waits."""

RELEASE_LIMIT_S: Final = 5.0
"""How long a call that is interrupted may take to release what it holds."""

LOOK_S: Final = 0.5
"""How often a loop looks whether the program is over."""


class LoopClosed(Exception):
    """The loop takes no more calls."""


async def nothing() -> None:
    """Do nothing."""


class LoopThread(threading.Thread):
    """A thread with an event loop, which runs until it is closed or the program is over.

    Only the loop's own thread touches its state, and no lock is taken: a signal handler, which may
    interrupt a call anywhere, may make one of its own.

    The thread is no daemon, so a program that ends waits for it, and it can take its conversation
    down in order. (It cannot be done by `atexit`: from Python 3.12 on no thread may be started
    there, and a device that hangs must be stopped in one.)

    Args:
        name: of the thread.
        at_exit: run in the loop if the program is over before the loop is closed.
    """

    def __init__(self, name: str, at_exit: Callable[[], Awaitable[None]] = nothing) -> None:
        super().__init__(name=name, daemon=False)
        self._at_exit = at_exit
        self._loop = new_event_loop()
        self._closing = asyncio.Event()
        self._calls: dict[Future[Any], asyncio.Task[Any]] = {}
        try:
            self.start()
        except RuntimeError:  # no thread can be started
            self._loop.close()
            raise
        except BaseException:  # Ctrl-C, while the thread begins
            self.close()
            raise

    def run(self) -> None:
        """Run the loop; the thread calls this itself."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            finally:
                self._closing.set()

    def is_current(self) -> bool:
        """Whether this is called in the loop's own thread."""
        return threading.get_ident() == self.ident

    def call(self, function: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run an async function in the loop, and wait for its outcome.

        It runs in a copy of the caller's context variables. If the waiting is interrupted, by
        Ctrl-C for instance, the function is cancelled and given 5 s to release what it holds.

        Raises:
            LoopClosed: the loop takes no more calls.
            RuntimeError: this is the loop's own thread, which cannot wait for itself.
        """
        if self.is_current():
            raise RuntimeError(
                "an async function in the conversation's event loop cannot wait for that loop; "
                "make it a plain function, which runs in a thread of its own"
            )
        outcome: Future[R] = Future()
        try:
            self._loop.call_soon_threadsafe(self._begin, function, outcome)
        except RuntimeError:
            raise LoopClosed from None
        try:
            while self.is_alive() and not wait([outcome], INTERRUPTIBLE_S).done:
                pass
        except BaseException:
            self._cancel(outcome)
            raise
        if not outcome.done():
            raise LoopClosed  # it came too late, or no loop survives what has happened in it
        return outcome.result()

    def close(self) -> None:
        """Take no more calls; the thread ends after those that it has. From any thread."""
        with suppress(RuntimeError):  # the loop has closed already
            self._loop.call_soon_threadsafe(self._closing.set)

    def _begin(self, function: Callable[[], Coroutine[Any, Any, R]], outcome: Future[R]) -> None:
        if self._closing.is_set():
            outcome.set_exception(LoopClosed())
            return
        task = self._loop.create_task(function(), name=f"{self.name} call")
        self._calls[outcome] = task
        task.add_done_callback(lambda _: self._done(outcome))

    def _done(self, outcome: Future[Any]) -> None:
        task = self._calls.pop(outcome)
        if task.cancelled():
            outcome.cancel()
            outcome.set_running_or_notify_cancel()  # only then do those who wait go on
        elif (error := task.exception()) is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())

    def _cancel(self, outcome: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop has closed, so the call is over
            self._loop.call_soon_threadsafe(self._cancel_task, outcome)
        wait([outcome], RELEASE_LIMIT_S)

    def _cancel_task(self, outcome: Future[Any]) -> None:
        if outcome in self._calls:
            self._calls[outcome].cancel()

    async def _serve(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._closing.wait()
            if _program_is_over():
                await self._at_exit()
                self.close()
        while self._calls:
            await asyncio.wait(self._calls.values())


def run(function: Callable[[], Coroutine[Any, Any, R]], name: str) -> R:
    """Run an async function in an event loop of its own, even where another one is running."""
    loop = LoopThread(f"duologue {name}")
    try:
        return loop.call(function)
    finally:
        loop.close()
        loop.join(RELEASE_LIMIT_S)


def _program_is_over() -> bool:
    """Whether of the program's threads only daemons and loops go on."""
    return not any(
        thread.is_alive() and not thread.daemon and not isinstance(thread, LoopThread)
        for thread in threading.enumerate()
    )
