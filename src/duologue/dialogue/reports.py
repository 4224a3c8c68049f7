"""Which callback an event of the server goes to as it is."""

from __future__ import annotations

from typing import Final

from duologue.protocol import server_events as events

CALLBACK_OF_EVENT: Final[dict[type[events.ServerEvent], str]] = {
    events.ConversationMetadataEvent: "on_conversation_metadata",
    events.AsrInitiationMetadataEvent: "on_asr_initiation_metadata",
    events.TentativeUserTranscriptEvent: "on_tentative_user_transcript",
    events.AgentResponseCorrectionEvent: "on_agent_response_correction",
    events.AgentChatResponsePartEvent: "on_agent_chat_response_part",
    events.AgentReasoningResponsePartEvent: "on_agent_reasoning_response_part",
    events.InterruptionEvent: "on_interruption",
    events.VadScoreEvent: "on_vad_score",
    events.PingEvent: "on_ping",
    events.ContextUsageEvent: "on_context_usage",
    events.McpToolCallEvent: "on_mcp_tool_call",
    events.McpConnectionStatusEvent: "on_mcp_connection_status",
    events.AgentToolRequestEvent: "on_agent_tool_request",
    events.AgentToolResponseEvent: "on_agent_tool_response",
    events.AgentToolResponseFullPayloadEvent: "on_agent_tool_response",
    events.RichContentEvent: "on_rich_content",
    events.GuardrailTriggeredEvent: "on_guardrail_triggered",
    events.AgentTypingEvent: "on_agent_typing",
    events.ExternalAgentConnectedEvent: "on_external_agent_connected",
    events.ExternalAgentDisconnectedEvent: "on_external_agent_disconnected",
    events.AgentResponseCompleteEvent: "on_agent_response_complete",
    events.AgentResponseMetadataEvent: "on_agent_response_metadata",
    events.ClientErrorEvent: "on_client_error",
    events.DtmfRequestEvent: "on_dtmf_request",
    events.QueueStatusEvent: "on_queue_status",
}
"""The events that a callback receives as they are.

The others become something else on the way: messages, sound, errors, tool calls, or a report to
`on_debug`.
"""
