"""Asking the caller's handler whether calls of MCP tools may be made."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from duologue.conversation.handlers.calling import Caller, cleaned_up, keep
from duologue.dialogue.actions import Action, Report, RequestApproval
from duologue.dialogue.tools.approvals import Approvals

logger = logging.getLogger("duologue")

HANDLERS_LIMIT: Final = 64
"""How many approvals are asked for at once, threads that hang included; others are denied."""

TASK_NAME: Final = "duologue approval"


class ApprovalRunner:
    """Runs the handler, once for each call, and lets the ledger say what follows.

    Plain handlers run in threads of their own, async ones, and whatever awaitable a plain one
    returns, in the event loop. The latter are cancelled once their decision is no longer wanted. A
    plain function cannot be stopped: it runs on, and what it decides too late is reported, unless
    the session is over.

    Its methods belong to the event loop.

    Args:
        ledger: which approvals are pending.
        lock: held while the ledger is asked, which other threads do, too.
        carry_out: takes what follows from each decision.
        report: takes what is to be told of decisions that come after the end.
    """

    def __init__(
        self,
        ledger: Approvals,
        lock: threading.Lock,
        carry_out: Callable[[list[Action]], None],
        report: Callable[[Report], None],
    ) -> None:
        self._ledger = ledger
        self._lock = lock
        self._carry_out = carry_out
        self._report = report
        self._ended = False
        self._caller = Caller()
        self._requests: set[asyncio.Task[None]] = set()
        self._cancellable: dict[str, asyncio.Task[Any]] = {}

    def start(self, request: RequestApproval) -> None:
        """Begin to ask. What is decided is carried out later."""
        if max(len(self._requests), self._caller.thread_count) >= HANDLERS_LIMIT:
            reason = f"{HANDLERS_LIMIT} approvals are being asked for already"
            self._settle(partial(self._ledger.failed, request.event, reason))
            return
        keep(asyncio.create_task(self._run(request), name=TASK_NAME), self._requests)

    def withdraw(self, tool_call_id: str) -> None:
        """Cancel the handler that is asked about this call, if one is and can be."""
        if task := self._cancellable.get(tool_call_id):
            task.cancel()

    def end(self) -> None:
        """Take no more decisions, and cancel all handlers that can be."""
        self._ended = True
        with self._lock:
            self._ledger.close()
        for task in self._requests:
            task.cancel()

    async def close(self) -> None:
        """After `end`, wait at most 1 s until async handlers have cleaned up."""
        await cleaned_up(self._requests, "handlers of MCP approvals")

    async def _run(self, request: RequestApproval) -> None:
        event = request.event
        try:
            decision: object = await self._caller.call(partial(request.handler, event), TASK_NAME)
            if inspect.isawaitable(decision):
                if not self._ledger.is_pending(event.tool_call_id):
                    _leave_unawaited(decision)
                    return
                decision = await self._awaited(event.tool_call_id, decision)
        except Exception as error:
            logger.warning("the handler of MCP approvals raised", exc_info=error)
            self._settle(partial(self._ledger.raised, event, error))
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            self._settle(partial(self._ledger.failed, event, "it was cancelled from within"))
        else:
            self._settle(partial(self._ledger.decided, event, decision))

    async def _awaited(self, tool_call_id: str, decision: Awaitable[object]) -> object:
        self._cancellable[tool_call_id] = _current_task()
        try:
            return await decision
        finally:
            del self._cancellable[tool_call_id]

    def _settle(self, rule: Callable[[], list[Action]]) -> None:
        with self._lock:
            actions = rule()
        if not self._ended:
            self._carry_out(actions)
            return
        for action in actions:
            if isinstance(action, Report):
                self._report(action)


def _leave_unawaited(decision: Awaitable[object]) -> None:
    """Nobody waits for this any more, so it does not begin, and Python need not warn of that."""
    if inspect.iscoroutine(decision):
        decision.close()


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _is_cancelled() -> bool:
    return _current_task().cancelling() > 0
