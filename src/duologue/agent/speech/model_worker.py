"""One thread that runs a model for every call: bounded, and with a limit on each wait."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from duologue.errors import ModelError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(order=True)
class _Work:
    """A call that waits: what is due sooner comes first, then what came sooner."""

    due_s: float
    number: int
    function: Callable[[], Any] = field(compare=False)
    future: Future[Any] = field(compare=False, default_factory=Future)


class ModelWorker:
    """Runs blocking calls of one model in one thread, those that are due first before others.

    One thread, because a model already uses the cores it was given: two calls at once would
    only slow each other down.

    Args:
        name: what the model does, for error sentences and the thread's name.
        max_waiting: how many calls may wait or run at once.
    """

    def __init__(self, name: str, *, max_waiting: int) -> None:
        self._name = name
        self._max_waiting = max_waiting
        self._waiting = 0
        self._numbers = itertools.count()
        self._queue: list[_Work] = []
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(
        self,
        limit_s: float,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return what `function` returns, or raise what it raises; in the order of the calls."""
        return await self.run_by(0.0, limit_s, function, *args, **kwargs)

    async def run_by(
        self,
        due_s: float,
        limit_s: float,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return what `function` returns, or raise what it raises.

        Of the calls that wait, the one that is due first is run next; `due_s` are seconds of any
        clock that is the same for all. One that is late is run all the same.

        Cancelling takes a call that still waits out of the queue; one that already runs goes
        on to its end in the thread and its result is dropped.

        Raises:
            ModelError: too many calls wait, this one took longer than `limit_s` (waiting
                included), or the worker is closed.
        """
        if self._waiting >= self._max_waiting:
            raise ModelError(
                f"{self._name}: {self._waiting} requests are already waiting, which is the most "
                "allowed; hold fewer conversations at once, or give the model more cores"
            )
        work = _Work(due_s, next(self._numbers), partial(function, *args, **kwargs))
        with self._lock:
            try:
                self._executor.submit(self._work)
            except RuntimeError as error:
                raise ModelError(f"{self._name}: the model has been closed") from error
            heapq.heappush(self._queue, work)
        future: Future[Result] = work.future
        self._waiting += 1
        future.add_done_callback(self._schedule_release(asyncio.get_running_loop()))
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise ModelError(
                f"{self._name}: no result within {limit_s:g} s; "
                "the machine is overloaded or the model is stuck"
            ) from error

    def close(self) -> None:
        """Refuse further calls and drop those that wait; a running one ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            waiting, self._queue = self._queue, []
        for work in waiting:
            work.future.cancel()

    def _work(self) -> None:
        """Run what is due first. As often as this is called something waits, unless closed."""
        with self._lock:
            if not self._queue:
                return
            work = heapq.heappop(self._queue)
        if not work.future.set_running_or_notify_cancel():
            return
        try:
            result = work.function()
        except BaseException as error:
            work.future.set_exception(error)
        else:
            work.future.set_result(result)

    def _schedule_release(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def release(_future: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._release)

        return release

    def _release(self) -> None:
        self._waiting -= 1
