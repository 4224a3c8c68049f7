"""Running the client's tools: concurrently, for a limited time, at most until the session ends."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from duologue.conversation.threads import in_thread
from duologue.dialogue.actions import Action, CallTool
from duologue.dialogue.tool_calls import failed, raised, returned

logger = logging.getLogger("duologue")

Fut = TypeVar("Fut", bound=asyncio.Future[Any])

CALLS_LIMIT: Final = 64
"""How many calls may run at once; an agent that wants more is told to wait."""

CANCELLING_LIMIT_S: Final = 1.0
"""How long the session's end waits for async tools that clean up."""


class ToolRunner:
    """Runs calls of tools. Its methods belong to the event loop.

    Plain functions run in threads of their own; async ones, and whatever awaitable a plain one
    returns, in the event loop. A plain function cannot be stopped: past its time, or past the
    session's end, it runs on, and what it returns is forgotten.

    Args:
        carry_out: takes what follows from each call's outcome.
    """

    def __init__(self, carry_out: Callable[[list[Action]], None]) -> None:
        self._carry_out = carry_out
        self._calls: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[list[Action]]] = set()
        self._threads: set[asyncio.Future[object]] = set()

    def start(self, call: CallTool) -> None:
        """Begin a call. Its outcome is carried out later, unless the runner is closed before."""
        if max(len(self._calls), len(self._threads)) >= CALLS_LIMIT:
            sentence = f"{CALLS_LIMIT} client tools are running already; call again later"
            self._carry_out(failed(call.event, sentence))
            return
        task = asyncio.create_task(self._run(call), name=f"duologue tool call {call.tool.name}")
        _keep(task, self._calls)

    async def close(self) -> None:
        """Cancel every call, and wait at most 1 s until async tools have cleaned up."""
        running = {*self._calls, *self._works}
        for task in running:
            task.cancel()
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=CANCELLING_LIMIT_S)
        if late:
            logger.warning(
                "%d client tools have not ended within %g s of being cancelled",
                len(late),
                CANCELLING_LIMIT_S,
            )

    async def _run(self, call: CallTool) -> None:
        """Wait for a tool no longer than it may take, even if it does not let itself be stopped."""
        name, limit_s = call.tool.name, call.tool.timeout_s
        work = asyncio.create_task(self._outcome(call), name=f"duologue tool {name}")
        _keep(work, self._works)
        await asyncio.wait([work], timeout=limit_s)
        if not work.done():
            work.cancel()
            sentence = f"the client tool {name!r} did not finish within {limit_s:g} s"
            self._carry_out(failed(call.event, sentence))
        elif work.cancelled():
            self._carry_out(failed(call.event, f"the client tool {name!r} was cancelled"))
        else:
            self._carry_out(work.result())

    async def _outcome(self, call: CallTool) -> list[Action]:
        try:
            if inspect.iscoroutinefunction(call.tool.function):
                value = _called(call)
            else:
                value = await self._called_in_thread(call)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:
            logger.warning("the client tool %s raised", call.tool.name, exc_info=error)
            return raised(call.event, error)
        return returned(call.event, value)

    async def _called_in_thread(self, call: CallTool) -> object:
        outcome = in_thread(partial(_called, call), f"duologue tool {call.tool.name}")
        _keep(outcome, self._threads)
        # A thread that is waited for no longer still runs, and counts until it ends.
        return await asyncio.shield(outcome)


def _called(call: CallTool) -> object:
    try:
        return call.tool.function(*call.arguments.positional, **call.arguments.by_name)
    except (StopIteration, SystemExit, asyncio.CancelledError) as error:
        # As the outcome of a thread these would mean something to the event loop.
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _keep(future: Fut, among: set[Fut]) -> None:
    """Keep a future among others until it is done."""
    among.add(future)
    future.add_done_callback(among.discard)
