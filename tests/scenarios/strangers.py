"""Scenarios of servers that are not quite as the contract says: what they say is acted on."""

from __future__ import annotations

import json
from typing import Any

from duologue.dialogue.values import Message
from duologue.protocol.client_messages import ClientToolResult, Pong
from duologue.protocol.codec import Mended
from duologue.protocol.server_events import (
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AgentToolResponseEvent,
    ClientToolCallEvent,
    McpToolCallEvent,
    PingEvent,
    ServerEvent,
    UserTranscriptEvent,
)
from tests.scenarios.endings import HUNG_UP
from tests.scenarios.scenario import Moment, Reported, Scenario

NO_ID = "`$.{}.event_id` is missing"
CORRECTION = AgentResponseCorrectionEvent(corrected_agent_response="Hel")
PING = PingEvent(event_id=4)
MCP_CALL = McpToolCallEvent(tool_call_id="m", tool_name="read", state="loading")
END_CALL = AgentToolResponseEvent(tool_name="end_call")
TOOL_CALL = ClientToolCallEvent(tool_name="get_time", tool_call_id="7")


def comes(
    event: ServerEvent,
    fields: dict[str, Any],
    notes: tuple[str, ...],
    *reports: Reported,
    sends: tuple[Any, ...] = (),
) -> Moment:
    """An event comes with these fields; it is told how it was read, and acted on."""
    inner = type(event).INNER
    assert inner is not None
    return Moment(
        json.dumps({"type": type(event).TYPE, inner: fields}),
        (("on_debug", Mended(message=event, notes=notes)), *reports),
        sends,
    )


SCENARIOS = {
    "events without an event id": Scenario(
        text_only=True,
        tools={"get_time": lambda: "noon"},
        moments=(
            comes(
                UserTranscriptEvent(user_transcript="Hi."),
                {"user_transcript": "Hi."},
                (NO_ID.format("user_transcription_event"),),
                ("on_message", Message(role="user", text="Hi.")),
            ),
            comes(
                AgentResponseEvent(agent_response="Hello."),
                {"agent_response": "Hello.", "event_id": None},
                ("`$.agent_response_event.event_id` is null",),
                ("on_message", Message(role="agent", text="Hello.")),
            ),
            comes(
                CORRECTION,
                {"corrected_agent_response": "Hel"},
                (
                    "`$.agent_response_correction_event.original_agent_response` is missing",
                    NO_ID.format("agent_response_correction_event"),
                ),
                ("on_agent_response_correction", CORRECTION),
            ),
            comes(
                TOOL_CALL,
                {"tool_name": "get_time", "tool_call_id": 7},
                (
                    "`$.client_tool_call.tool_call_id`: text was expected, and 7 came",
                    NO_ID.format("client_tool_call"),
                ),
                sends=(ClientToolResult(tool_call_id="7", result="noon", is_error=False),),
            ),
            comes(
                MCP_CALL,
                {"tool_call_id": "m", "tool_name": "read", "state": "loading"},
                tuple(
                    f"`$.mcp_tool_call.{name}` is missing"
                    for name in ("service_id", "parameters", "timestamp")
                ),
                ("on_mcp_tool_call", MCP_CALL),
            ),
        ),
    ),
    "event ids as text and as a float": Scenario(
        moments=(
            comes(
                PING,
                {"event_id": "4"},
                ("`$.ping_event.event_id`: a whole number was expected, and '4' came",),
                ("on_ping", PING),
                sends=(Pong(event_id=4),),
            ),
            comes(
                UserTranscriptEvent(user_transcript="Hi.", event_id=3),
                {"user_transcript": "Hi.", "event_id": 3.0},
                (
                    "`$.user_transcription_event.event_id`: a whole number was expected, and 3.0 "
                    "came",
                ),
                ("on_message", Message(role="user", text="Hi.", event_id=3)),
            ),
        ),
    ),
    "the agent hangs up, and leaves out all but the tool's name": Scenario(
        moments=(
            comes(
                END_CALL,
                {"tool_name": "end_call"},
                tuple(
                    f"`$.agent_tool_response.{name}` is missing"
                    for name in ("tool_call_id", "tool_type", "is_error", "is_called", "event_id")
                ),
                ("on_agent_tool_response", END_CALL),
            ),
        ),
        end=HUNG_UP,
    ),
}
