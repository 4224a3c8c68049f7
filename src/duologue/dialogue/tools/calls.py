"""What follows when an agent calls one of the client's tools, and when that has an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Final

import msgspec

from duologue.dialogue.actions import Action, CallTool, Report, Send
from duologue.dialogue.tools.registry import ClientTool
from duologue.dialogue.tools.signature import WrongParameters
from duologue.dialogue.values import ErrorReport
from duologue.errors import ToolError
from duologue.protocol.client_messages import ClientToolResult
from duologue.protocol.codec import MalformedEvent
from duologue.protocol.server_events import ClientToolCallEvent

DONE_WITHOUT_RESULT: Final = "The tool has done its work; it gives no result."
"""What an agent is told of a tool that returned None."""


class ToolCalls:
    """Decides what an agent's call of a client tool leads to.

    Args:
        tools: the client's tools, by name.
        reports_unknown: whether the caller answers calls of unknown tools by itself.
    """

    def __init__(
        self, tools: Mapping[str, ClientTool] | None = None, *, reports_unknown: bool = False
    ) -> None:
        self._tools = dict(tools or {})
        self._reports_unknown = reports_unknown

    def called(self, event: ClientToolCallEvent) -> list[Action]:
        """The agent calls a tool. Only what can be called as its function wants leads to a call."""
        tool = self._tools.get(event.tool_name)
        if tool is not None:
            try:
                arguments = tool.signature.arguments(event.parameters or {})
            except WrongParameters as error:
                sentence = f"the client tool {tool.name!r} was called wrongly: {error}"
                return failed(event, sentence)
            return [CallTool(event=event, tool=tool, arguments=arguments)]
        if self._reports_unknown:
            return [Report.of("on_unhandled_client_tool_call", event)]
        return failed(event, f"this client has no tool named {event.tool_name!r}")


def unreadable(event: MalformedEvent) -> list[Action]:
    """A message makes no sense. If it has the id of a call, the agent waits for an answer to it."""
    if event.tool_call_id is None:
        return []
    sentence = f"this call of a client tool cannot be read: {event.reason}"
    return _failed(event.tool_call_id, sentence, {"tool_call_id": event.tool_call_id})


def returned(event: ClientToolCallEvent, value: object) -> list[Action]:
    """The tool has returned this. What cannot be made text is the tool's failure."""
    try:
        text = text_of(value)
    except Exception as error:  # a value of the caller's own makes its text by the caller's code
        sentence = f"the result of the client tool {event.tool_name!r} cannot be sent: {error}"
        return failed(event, sentence, error)
    return [
        Send(ClientToolResult(tool_call_id=event.tool_call_id, result=text, is_error=False)),
    ]


def raised(event: ClientToolCallEvent, error: BaseException) -> list[Action]:
    """The tool has raised this. What it says by a `ToolError` is for the agent alone."""
    if isinstance(error, ToolError):
        return [_failure(event.tool_call_id, _sendable(str(error)))]
    sentence = f"the client tool {event.tool_name!r} failed with {type(error).__name__}: {error}"
    return failed(event, sentence, error)


def failed(
    event: ClientToolCallEvent, sentence: str, exception: BaseException | None = None
) -> list[Action]:
    """The call has failed: the agent is told so, and the caller."""
    context: dict[str, Any] = {"client_tool_name": event.tool_name}
    if exception is not None:
        context["exception"] = exception
    return _failed(event.tool_call_id, sentence, context)


def _failed(tool_call_id: str, sentence: str, context: Mapping[str, Any]) -> list[Action]:
    sentence = _sendable(sentence)
    return [
        _failure(tool_call_id, sentence),
        Report.of("on_error", ErrorReport(message=sentence, context=context)),
    ]


def _failure(tool_call_id: str, sentence: str) -> Send:
    return Send(ClientToolResult(tool_call_id=tool_call_id, result=sentence, is_error=True))


def _sendable(sentence: str) -> str:
    return sentence.encode(errors="replace").decode()  # half a surrogate pair cannot be sent


def text_of(result: object) -> str:
    """A tool's result as the text that an agent reads.

    None is a sentence, a bool is as in JSON, dicts, lists, tuples, sets and dataclasses are JSON,
    and everything else is what `str` makes of it.

    Raises:
        TypeError, ValueError, RecursionError: it cannot be written as JSON or as UTF-8.
        Exception: whatever the result's own `__str__` raises.
    """
    if result is None:
        return DONE_WITHOUT_RESULT
    if isinstance(result, bool | dict | list | tuple | set | frozenset) or _is_record(result):
        return msgspec.json.encode(result).decode()
    text = str(result)
    text.encode()
    return text


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)
