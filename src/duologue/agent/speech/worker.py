"""One thread that runs a model for every call: bounded, and with a limit on each wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from duologue.errors import ModelError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class ModelWorker:
    """Runs blocking calls of one model in one thread, in the order in which they came.

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
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(
        self,
        limit_s: float,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return what `function` returns, or raise what it raises.

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
        try:
            future = self._executor.submit(function, *args, **kwargs)
        except RuntimeError as error:
            raise ModelError(f"{self._name}: the model has been closed") from error
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

    def _schedule_release(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def release(_future: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._release)

        return release

    def _release(self) -> None:
        self._waiting -= 1
