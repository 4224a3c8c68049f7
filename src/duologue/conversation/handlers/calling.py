"""Calling the functions that a caller has handed over: tools and handlers."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from duologue.conversation.threads import in_thread

logger = logging.getLogger("duologue")

Fut = TypeVar("Fut", bound=asyncio.Future[Any])

CANCELLING_LIMIT_S: Final = 1.0
"""How long the session's end waits for async functions that clean up."""


class Caller:
    """Calls plain functions in threads of their own, and async ones in the event loop."""

    def __init__(self) -> None:
        self._threads: set[asyncio.Future[Any]] = set()

    @property
    def thread_count(self) -> int:
        """How many threads run, whether or not they are still waited for."""
        return len(self._threads)

    async def call(self, function: Callable[[], object], name: str) -> object:
        """Call a function, and return what it gives: for an async one a coroutine to be awaited.

        Cancelling this stops the waiting, but no thread: what its function returns is forgotten.

        Raises:
            RuntimeError: a plain function raised what an event loop would take for its own.
            Exception: whatever else the function raises.
        """
        if inspect.iscoroutinefunction(function):
            return function()
        outcome = in_thread(lambda: _called(function), name)
        keep(outcome, self._threads)
        return await asyncio.shield(outcome)


def keep(future: Fut, among: set[Fut]) -> None:
    """Keep a future among others until it is done."""
    among.add(future)
    future.add_done_callback(among.discard)


async def cleaned_up(cancelled: Collection[asyncio.Task[Any]], kind: str) -> None:
    """Wait at most 1 s until tasks that were cancelled have ended."""
    if not cancelled:
        return
    _, late = await asyncio.wait(cancelled, timeout=CANCELLING_LIMIT_S)
    if late:
        logger.warning(
            "%d %s have not ended within %g s of being cancelled",
            len(late),
            kind,
            CANCELLING_LIMIT_S,
        )


def _called(function: Callable[[], object]) -> object:
    try:
        return function()
    except (StopIteration, SystemExit, asyncio.CancelledError) as error:
        # As the outcome of a thread these would mean something to the event loop.
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
