"""Scenarios of what no rule does anything with: it is handed on, or told as what it is not."""

from __future__ import annotations

from duologue.protocol.codec import UnknownEvent, decode_server_event
from duologue.protocol.server_events import (
    AgentReasoningResponsePartEvent,
    AgentResponseCompleteEvent,
    AgentResponseMetadataEvent,
    AgentToolRequestEvent,
    AgentTypingEvent,
    AsrInitiationMetadataEvent,
    ClientErrorEvent,
    ContextUsageEvent,
    DtmfRequestEvent,
    InternalTentativeAgentResponseEvent,
    InternalTurnProbabilityEvent,
    McpConnectionStatusEvent,
    McpToolCallEvent,
    QueueStatusEvent,
    RichContentEvent,
    VadScoreEvent,
)
from tests.scenarios.scenario import Moment, Scenario

AS_THEY_ARE = {
    "on_agent_reasoning_response_part": AgentReasoningResponsePartEvent(
        text="Hm", type="delta", event_id="1"
    ),
    "on_agent_tool_request": AgentToolRequestEvent(
        tool_name="look_up", tool_call_id="call_1", tool_type="webhook", event_id=1
    ),
    "on_agent_typing": AgentTypingEvent(is_typing=True),
    "on_asr_initiation_metadata": AsrInitiationMetadataEvent(metadata={"model": "m"}),
    "on_agent_response_complete": AgentResponseCompleteEvent(data={"event_id": 1}),
    "on_agent_response_metadata": AgentResponseMetadataEvent(data={"source": ["a"]}),
    "on_client_error": ClientErrorEvent(data={"message": "no"}),
    "on_dtmf_request": DtmfRequestEvent(data={"dtmf_tones": "12#"}),
    "on_context_usage": ContextUsageEvent(
        event_id=1, model="m", context_tokens=10, context_limit_tokens=100
    ),
    "on_mcp_connection_status": McpConnectionStatusEvent(integrations=[]),
    "on_mcp_tool_call": McpToolCallEvent(
        service_id="s",
        tool_call_id="call_1",
        tool_name="look_up",
        parameters={},
        timestamp="2026-01-01T00:00:00Z",
        state="loading",
    ),
    "on_queue_status": QueueStatusEvent(status="waiting"),
    "on_rich_content": RichContentEvent(
        rich_content_id="r", component="Card", props={}, event_id=1
    ),
    "on_vad_score": VadScoreEvent(vad_score=0.5),
}
FOR_DEBUGGING = (
    InternalTurnProbabilityEvent(turn_probability=0.5),
    InternalTentativeAgentResponseEvent(tentative_agent_response="Perhaps"),
)
WITHOUT_FIELDS = {
    "on_guardrail_triggered": "guardrail_triggered",
    "on_external_agent_connected": "external_agent_connected",
    "on_external_agent_disconnected": "external_agent_disconnected",
}
MALFORMED = (
    "{",
    "[]",
    "{}",
    b"\xff",
    '{"type": ""}',
    '{"type": "ping"}',
    '{"type": "ping", "ping_event": {"event_id": "one"}}',
    '{"type": "audio", "audio_event": {"audio_base_64": "!", "event_id": 1}}',
    '{"type": "agent_response", "agent_response_event": {"event_id": 1}}',
    '{"type": "client_tool_call", "client_tool_call": {"tool_name": "t", "parameters": []}}',
)

SCENARIOS = {
    "events as they are": Scenario(
        moments=(
            *(Moment(event, ((callback, event),)) for callback, event in AS_THEY_ARE.items()),
            *(Moment(event, (("on_debug", event),)) for event in FOR_DEBUGGING),
        )
    ),
    "events without fields": Scenario(
        moments=tuple(
            Moment(f'{{"type": "{name}"}}', ((callback,),))
            for callback, name in WITHOUT_FIELDS.items()
        )
    ),
    "unknown events": Scenario(
        moments=(
            Moment(
                '{"type": "news", "news": [1]}',
                (
                    (
                        "on_debug",
                        UnknownEvent(type="news", data={"type": "news", "news": [1]}),
                    ),
                ),
            ),
        )
    ),
    "malformed events": Scenario(
        moments=tuple(
            Moment(frame, (("on_debug", decode_server_event(frame)),)) for frame in MALFORMED
        )
    ),
}
