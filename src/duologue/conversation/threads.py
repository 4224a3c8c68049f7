"""Calling what may block in a thread of its own.

The threads are daemons: one that hangs does not keep the program from ending, as a worker of a
pool would.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

R = TypeVar("R")


def in_thread(function: Callable[[], R], name: str) -> asyncio.Future[R]:
    """Call a function in a thread that is its own, and give its outcome as a future.

    Cancelling the future does not stop the function; its outcome is then forgotten. It runs in a
    copy of the caller's context variables.
    """
    return in_executor(function, _ThreadEach(name))


def in_executor(function: Callable[[], R], executor: Executor) -> asyncio.Future[R]:
    """As `in_thread`, in a thread of the executor's."""
    context = contextvars.copy_context()
    # The loop is told, and does not start threads behind its back: a virtual clock waits for them.
    outcome = asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function))
    outcome.add_done_callback(_take_note)
    return outcome


class _ThreadEach(Executor):
    """Runs each call in a daemon thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        work, outcome = deferred(partial(function, *args, **kwargs))
        threading.Thread(target=work, name=self._name, daemon=True).start()
        return outcome


def deferred(function: Callable[[], R]) -> tuple[Callable[[], None], Future[R]]:
    """What calls a function, for an executor to run in a thread, and its outcome."""
    outcome: Future[R] = Future()
    outcome.set_running_or_notify_cancel()  # it cannot be cancelled any more

    def work() -> None:
        try:
            result = function()
        except Exception as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    return work, outcome


def _take_note(outcome: asyncio.Future[Any]) -> None:
    """Nobody may wait for an exception any more, and that is no mistake."""
    if not outcome.cancelled():
        outcome.exception()
