"""Calling what may block in a thread of its own.

The threads are daemons: one that hangs does not keep the program from ending, as a worker of an
executor would.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

R = TypeVar("R")


def in_thread(function: Callable[[], R], name: str) -> asyncio.Future[R]:
    """Call a function in a thread that is its own, and give its outcome as a future.

    Cancelling the future does not stop the function; its outcome is then forgotten. It runs in a
    copy of the caller's context variables.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[R] = loop.create_future()
    context = contextvars.copy_context()

    def return_(result: R) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def raise_(error: Exception) -> None:
        if not outcome.done():
            outcome.set_exception(error)
            outcome.exception()  # nobody may wait any more, and that is no mistake

    def run() -> None:
        with suppress(RuntimeError):  # the loop has closed, so nobody waits any more
            try:
                result = context.run(function)
            except Exception as error:
                loop.call_soon_threadsafe(raise_, error)
            else:
                loop.call_soon_threadsafe(return_, result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome
