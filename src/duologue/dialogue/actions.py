"""What the rules of a conversation ask for. Each action is a plain value; others carry it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from duologue.dialogue.tools.registry import ClientTool
from duologue.dialogue.tools.signature import Arguments
from duologue.dialogue.values import AgentAudio, Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.server_events import ClientToolCallEvent, McpToolCallEvent

ApprovalHandler: TypeAlias = Callable[[McpToolCallEvent], object]
"""Decides whether a call of an MCP tool may be made, by True or False; it may be async."""


class Send(msgspec.Struct, frozen=True):
    """Send this message to the server."""

    message: ClientMessage


class Play(msgspec.Struct, frozen=True):
    """Let this be heard after what is queued already."""

    audio: AgentAudio


class Silence(msgspec.Struct, frozen=True):
    """Be silent at once, and forget what is queued."""


class Report(msgspec.Struct, frozen=True):
    """Tell the caller: `callback` is the name of the option that takes such reports.

    A report with no `arguments` calls a callback that takes none.
    """

    callback: str
    arguments: tuple[object, ...] = ()

    @classmethod
    def of(cls, callback: str, *arguments: object) -> Report:
        """A report of one callback and what it is called with."""
        return cls(callback, arguments)


class CallTool(msgspec.Struct, frozen=True, kw_only=True):
    """Call this tool of the client's, and say later what came of it."""

    event: ClientToolCallEvent
    tool: ClientTool
    arguments: Arguments


class RequestApproval(msgspec.Struct, frozen=True, kw_only=True):
    """Ask this handler whether the call may be made, and say later what came of it."""

    event: McpToolCallEvent
    handler: ApprovalHandler


class CancelApproval(msgspec.Struct, frozen=True):
    """Ask no longer for the approval of this call; there may be nobody who is being asked."""

    tool_call_id: str


class End(msgspec.Struct, frozen=True):
    """End the session for this reason."""

    disconnection: Disconnection


Action: TypeAlias = (
    Send | Play | Silence | Report | CallTool | RequestApproval | CancelApproval | End
)
