"""The thread in which a conversation's callbacks run, so that none of them holds its loop up."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from duologue.conversation.threads import deferred, in_executor, in_thread

APPROVAL_HANDLER: Final = "on_mcp_tool_approval_request"
"""The one option of this kind that is asked rather than told: it may take its time."""

R = TypeVar("R")

Adapt = Callable[[object], object]
"""Gives the blocking conversation for the asyncio one, and anything else as it is."""


class Dispatcher(Executor):
    """Runs functions one after another in a thread, which begins with the first of them.

    `run` belongs to one event loop. The thread is a daemon: a callback that never returns does not
    keep the program from ending.
    """

    def __init__(self) -> None:
        # At most one waits: the callback queue awaits each callback before the next.
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[[], object]) -> object:
        """Run a function in the thread, in a copy of the context variables, and wait for it.

        Cancelling stops the waiting, not the function.
        """
        return await in_executor(function, self)

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Let a function be run after those that wait."""
        work, outcome = deferred(partial(function, *args, **kwargs))
        self._work.put(work)
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="duologue dispatcher", daemon=True
            )
            self._thread.start()
        return outcome

    def is_current(self) -> bool:
        """Whether this is called by a function that the dispatcher runs."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the thread after what it runs. From any thread."""
        self._work.put(None)

    def join(self, limit_s: float) -> None:
        """Wait for the thread's end."""
        if self._thread is not None:
            self._thread.join(limit_s)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def adapted_options(
    options: Mapping[str, Any], dispatcher: Dispatcher, adapt: Adapt
) -> dict[str, Any]:
    """A caller's options in the form that an asyncio conversation takes.

    Raises:
        TypeError: a callback is a coroutine function.
    """
    return {
        name: _adapted(name, value, dispatcher, adapt)
        if name.startswith("on_") and callable(value)
        else value
        for name, value in options.items()
    }


def _adapted(
    name: str, callback: Callable[..., object], dispatcher: Dispatcher, adapt: Adapt
) -> Callable[..., object]:
    is_async = _is_async(callback)
    if name == APPROVAL_HANDLER:
        return callback if is_async else _in_thread_of_its_own(name, callback)
    if is_async:
        raise TypeError(
            f"{name} is a coroutine function, but callbacks of duologue.blocking are plain ones; "
            "write it with `def`, or use duologue.Conversation"
        )

    async def dispatched(*arguments: object) -> None:
        adapted = [adapt(argument) for argument in arguments]
        result = await dispatcher.run(partial(_called, callback, *adapted))
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(
                f"{name} returned a coroutine, which nothing awaits in duologue.blocking; "
                "let it do its work by itself, or use duologue.Conversation"
            )

    return dispatched


def _in_thread_of_its_own(name: str, handler: Callable[..., object]) -> Callable[..., object]:
    async def asked(*arguments: object) -> object:
        answer = await in_thread(partial(_called, handler, *arguments), f"duologue {name}")
        return await answer if inspect.isawaitable(answer) else answer

    return asked


def _is_async(function: Any) -> bool:
    """Whether calling a function, or an object that can be called, gives a coroutine."""
    return any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))


def _called(function: Callable[..., object], *arguments: object) -> object:
    try:
        return function(*arguments)
    except (StopIteration, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
        # As the outcome of a thread these would mean something to the event loop.
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
