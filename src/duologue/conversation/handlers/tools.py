"""Running the client's tools: concurrently, for a limited time, at most until the session ends."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from duologue.conversation.handlers.calling import Caller, cleaned_up, keep
from duologue.dialogue.actions import Action, CallTool
from duologue.dialogue.tools.calls import failed, raised, returned
from duologue.errors import ToolError

logger = logging.getLogger("duologue")

CALLS_LIMIT: Final = 64
"""How many calls may run at once; an agent that wants more is told to wait."""


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
        self._caller = Caller()

    def start(self, call: CallTool) -> None:
        """Begin a call. Its outcome is carried out later, unless the runner is closed before."""
        if max(len(self._calls), self._caller.thread_count) >= CALLS_LIMIT:
            sentence = f"{CALLS_LIMIT} client tools are running already; call again later"
            self._carry_out(failed(call.event, sentence))
            return
        task = asyncio.create_task(self._run(call), name=f"duologue tool call {call.tool.name}")
        keep(task, self._calls)

    async def close(self) -> None:
        """Cancel every call, and wait at most 1 s until async tools have cleaned up."""
        running = {*self._calls, *self._works}
        for task in running:
            task.cancel()
        await cleaned_up(running, "client tools")

    async def _run(self, call: CallTool) -> None:
        """Wait for a tool no longer than it may take, even if it does not let itself be stopped."""
        name, limit_s = call.tool.name, call.tool.timeout_s
        work = asyncio.create_task(self._outcome(call), name=f"duologue tool {name}")
        keep(work, self._works)
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
        function = partial(call.tool.function, *call.arguments.positional, **call.arguments.by_name)
        try:
            value = await self._caller.call(function, f"duologue tool {call.tool.name}")
            if inspect.isawaitable(value):
                value = await value
        except ToolError as error:
            return raised(call.event, error)
        except Exception as error:
            logger.warning("the client tool %s raised", call.tool.name, exc_info=error)
            return raised(call.event, error)
        return returned(call.event, value)
