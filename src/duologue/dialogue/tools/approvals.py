"""Which calls of MCP tools wait for an approval, and that none is answered twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from duologue.dialogue.actions import (
    Action,
    ApprovalHandler,
    CancelApproval,
    Report,
    RequestApproval,
    Send,
)
from duologue.dialogue.values import ErrorReport
from duologue.errors import ApprovalUnavailable
from duologue.protocol.client_messages import McpToolApprovalResult
from duologue.protocol.server_events import McpToolCallEvent

ANSWERED: Final = "it has been answered already"
MOVED_ON: Final = "the call has gone on without an answer"
TIMED_OUT: Final = "the time for an answer was over"
ENDED: Final = "the conversation has ended"


class Approvals:
    """The ledger of approvals, by the ids of their calls.

    An approval is pending from the agent's request on. It is settled once it has been answered, and
    stale once an answer would come too late. Ids are kept as long as the conversation lasts, so
    that neither a request that is repeated nor a second answer is taken for the first.

    Args:
        handler: whom to ask; without one, requests wait for an answer by hand.
    """

    def __init__(self, handler: ApprovalHandler | None = None) -> None:
        self._handler = handler
        self._pending: dict[str, _Request] = {}
        self._over: dict[str, str] = {}  # why the others cannot be answered any more

    @property
    def next_deadline_ms(self) -> float | None:
        """When the time of a handler is over, or None if no handler is being waited for."""
        if not self._pending:
            return None
        return min(
            (one.deadline_ms for one in self._pending.values() if one.deadline_ms is not None),
            default=None,
        )

    def is_pending(self, tool_call_id: str) -> bool:
        """True if the agent waits for the approval of this call."""
        return tool_call_id in self._pending

    def called(self, event: McpToolCallEvent, now_ms: float) -> list[Action]:
        """A call has reached another state. Only in one of them it awaits approval."""
        call_id = event.tool_call_id
        if event.state != "awaiting_approval":
            return self._make_stale(call_id, MOVED_ON) if call_id in self._pending else []
        if call_id in self._pending or call_id in self._over:
            return self._requested_again(event)
        if self._handler is None:
            self._pending[call_id] = _Request(event, deadline_ms=None)
            return []
        deadline_ms = now_ms + event.approval_timeout_secs * 1000
        self._pending[call_id] = _Request(event, deadline_ms)
        return [RequestApproval(event=event, handler=self._handler)]

    def decided(self, event: McpToolCallEvent, decision: object) -> list[Action]:
        """The handler has returned this. What is not a bool is its failure."""
        if not isinstance(decision, bool):
            kind = type(decision).__name__
            return self.failed(event, f"it must return True or False, not {kind}")
        if event.tool_call_id in self._pending:
            return [self._settle(event, decision)]
        sentence = f"a decision was dropped, because {self._over[event.tool_call_id]}"
        return [_error(event, sentence)]

    def raised(self, event: McpToolCallEvent, error: BaseException) -> list[Action]:
        """The handler has raised this."""
        return self.failed(event, f"{type(error).__name__}: {error}", error)

    def failed(
        self, event: McpToolCallEvent, reason: str, exception: BaseException | None = None
    ) -> list[Action]:
        """The handler has not decided. What nobody has approved is denied."""
        report = _error(event, f"the approval handler failed: {reason}", exception)
        if event.tool_call_id in self._pending:
            return [self._settle(event, False), report]
        return [report]

    def tick(self, now_ms: float) -> list[Action]:
        """Give up on handlers whose time is over. The agent has given up by itself."""
        actions: list[Action] = []
        for call_id, request in list(self._pending.items()):
            if request.deadline_ms is not None and request.deadline_ms <= now_ms:
                limit_s = request.event.approval_timeout_secs
                sentence = f"the approval handler did not decide within {limit_s:g} s"
                actions += self._make_stale(call_id, TIMED_OUT)
                actions.append(_error(request.event, sentence))
        return actions

    def message(self, tool_call_id: str, is_approved: bool) -> McpToolApprovalResult:
        """What to send for an answer by hand. The call may be one that nobody has told of.

        Raises:
            ApprovalUnavailable: the call has been answered, or an answer would come too late.
        """
        if tool_call_id in self._over:
            raise ApprovalUnavailable(
                f"the call {tool_call_id!r} cannot be approved or denied: "
                f"{self._over[tool_call_id]}; each call is answered once, while it waits"
            )
        return McpToolApprovalResult(tool_call_id=tool_call_id, is_approved=is_approved)

    def sent(self, message: McpToolApprovalResult) -> None:
        """An answer is on its way, and is the only one."""
        self._pending.pop(message.tool_call_id, None)
        self._over[message.tool_call_id] = ANSWERED

    def close(self) -> None:
        """The conversation ends, and nothing is answered any more."""
        for call_id in list(self._pending):
            self._make_stale(call_id, ENDED)

    def _requested_again(self, event: McpToolCallEvent) -> list[Action]:
        if self._handler is None:
            return []
        sentence = "an approval was requested again under the same id; nobody is asked twice"
        return [_error(event, sentence)]

    def _settle(self, event: McpToolCallEvent, is_approved: bool) -> Send:
        message = self.message(event.tool_call_id, is_approved)
        self.sent(message)
        return Send(message)

    def _make_stale(self, call_id: str, reason: str) -> list[Action]:
        del self._pending[call_id]
        self._over[call_id] = reason
        return [CancelApproval(call_id)]


@dataclass(frozen=True)
class _Request:
    event: McpToolCallEvent
    deadline_ms: float | None


def _error(
    event: McpToolCallEvent, sentence: str, exception: BaseException | None = None
) -> Report:
    context: dict[str, Any] = {
        "tool_call_id": event.tool_call_id,
        "tool_name": event.tool_name,
        "service_id": event.service_id,
    }
    if exception is not None:
        context["exception"] = exception
    message = f"the MCP tool {event.tool_name!r}: {sentence}"
    return Report.of("on_error", ErrorReport(message=message, context=context))
