"""What threads of sound have to say to event loops, handed over together where that is possible.

A thread that does the work of many conversations would wake their loop for each of them, which
costs the loop more than what it then does. So it collects what is said during one round, and each
loop is woken once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

_Call: TypeAlias = tuple[Callable[..., object], tuple[Any, ...]]


class Batch:
    """What was said in one round, by loop and in order. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[asyncio.AbstractEventLoop, list[_Call]] | None = {}

    def add(self, loop: asyncio.AbstractEventLoop, call: _Call) -> bool:
        """Let a call be handed over with the others; False if they have been already."""
        with self._lock:
            if self._calls is None:
                return False
            self._calls.setdefault(loop, []).append(call)
            return True

    def hand_over(self, own_loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Hand over what is there, and take no more. Without effect the second time.

        Args:
            own_loop: the loop in which this is called, if it is: what it is told happens at once.
        """
        with self._lock:
            calls, self._calls = self._calls, None
        if calls and own_loop is not None and (own := calls.pop(own_loop, None)):
            _call_each(own_loop, own)
        for loop, calls_of_loop in (calls or {}).items():
            with suppress(RuntimeError):  # the loop has closed, and with it who would be told
                loop.call_soon_threadsafe(_call_each, loop, calls_of_loop)


_thread = threading.local()


@contextmanager
def together(own_loop: asyncio.AbstractEventLoop | None = None) -> Iterator[Batch]:
    """Let all that this thread says meanwhile be handed over at the end; see `Batch.hand_over`."""
    batch = _thread.batch = Batch()
    try:
        yield batch
    finally:
        _thread.batch = None
        batch.hand_over(own_loop)


def call_in_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
) -> None:
    """Call a function in a loop, soon, from any thread; nothing happens if the loop has closed.

    Calls of one thread to one loop keep their order.
    """
    batch: Batch | None = getattr(_thread, "batch", None)
    if batch is not None and batch.add(loop, (function, arguments)):
        return
    if asyncio._get_running_loop() is loop:
        loop.call_soon(function, *arguments)  # it is awake
        return
    with suppress(RuntimeError):  # as above
        loop.call_soon_threadsafe(function, *arguments)


def _call_each(loop: asyncio.AbstractEventLoop, calls: list[_Call]) -> None:
    for function, arguments in calls:
        try:
            function(*arguments)
        except Exception as error:
            # As the loop does where each call is its own: the others follow all the same.
            loop.call_exception_handler(
                {"message": f"Exception in {function!r}", "exception": error}
            )
