"""What an agent's server sends: one frozen type for each event of the contract.

On the wire an event is `{"type": TYPE, INNER: {…fields…}}`; here it is flat, and its fields keep
their names from the wire. The one exception is sound, which is `bytes` here and base64 there.

What is essential in an event are its fields without a default: without them it says nothing, and is
malformed. The contract requires more, the fields that are `expected`: an event without one of these
is acted on, with the value that stands here. `duologue.protocol.mending` reads what is not quite as
the contract says.

The source of names and fields is the AsyncAPI schema of the ElevenLabs Agents platform
(`@elevenlabs/types` 0.23.0). `queue_status` is in no schema; it was seen in ElevenLabs' widget. Nor
are `agent_response_complete`, `agent_response_metadata`, `client_error` and `dtmf_request`, which
ElevenLabs' list of client events names: what comes with them is in `data`, all of it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from duologue.protocol.fields import expected

PartType = Literal["start", "delta", "stop"]
"""The parts of an answer as the contract has them."""


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all events of a server have in common."""

    TYPE: ClassVar[str]
    """The value of `type` on the wire."""

    INNER: ClassVar[str | None]
    """The key that holds the fields on the wire, or None for an event without fields."""

    INNER_MAY_BE_MISSING: ClassVar[bool] = False
    """True if the event means something without its fields, too."""

    NOT_TO_BE_GUESSED: ClassVar[tuple[str, ...]] = ()
    """Fields that may be missing but, where they are there, have to be understood."""

    OPEN: ClassVar[str | None] = None
    """The field that holds all that came, in an event whose fields are not known beforehand."""


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    """When each character of a piece of speech is spoken, from the start of that piece.

    The three lists are equally long by contract. That is not checked, because no speech is to be
    lost over its captions: read them together and stop at the shortest.
    """

    chars: list[str] = expected([])
    char_start_times_ms: list[float] = expected([])
    char_durations_ms: list[float] = expected([])


class AudioEvent(ServerEvent, frozen=True, kw_only=True):
    """A piece of the agent's speech.

    `audio` is encoded as the metadata's `agent_output_audio_format` says. `event_id` is None where
    the sound comes without messages, on a track of WebRTC, or from a server that gives none.
    """

    TYPE = "audio"
    INNER = "audio_event"

    audio: bytes = msgspec.field(name="audio_base_64")
    event_id: int | None = expected()
    alignment: Alignment | None = None


class UserTranscriptEvent(ServerEvent, frozen=True, kw_only=True):
    """What the agent understood the user to say, final for this turn."""

    TYPE = "user_transcript"
    INNER = "user_transcription_event"

    user_transcript: str
    event_id: int | None = expected()


class TentativeUserTranscriptEvent(ServerEvent, frozen=True, kw_only=True):
    """What the agent understands so far, while the user is still speaking."""

    TYPE = "tentative_user_transcript"
    INNER = "tentative_user_transcription_event"

    user_transcript: str
    event_id: int | None = expected()


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that comes with an agent's response."""

    url: str
    name: str | None = expected()
    mime_type: str | None = None


class AgentResponseEvent(ServerEvent, frozen=True, kw_only=True):
    """The agent's whole answer as text."""

    TYPE = "agent_response"
    INNER = "agent_response_event"

    agent_response: str
    event_id: int | None = expected()
    attachments: list[Attachment] | None = None


class AgentResponseCorrectionEvent(ServerEvent, frozen=True, kw_only=True):
    """What of an answer had been said when the user interrupted it."""

    TYPE = "agent_response_correction"
    INNER = "agent_response_correction_event"

    original_agent_response: str | None = expected()
    corrected_agent_response: str
    event_id: int | None = expected()


class AgentChatResponsePartEvent(ServerEvent, frozen=True, kw_only=True):
    """A piece of an answer as it is being written."""

    TYPE = "agent_chat_response_part"
    INNER = "text_response_part"

    text: str
    type: PartType | str = expected("delta")
    event_id: int | None = expected()


class AgentReasoningResponsePartEvent(ServerEvent, frozen=True, kw_only=True):
    """A piece of the model's reasoning as it is being written; its event id is a string."""

    TYPE = "agent_reasoning_response_part"
    INNER = "reasoning_response_part"

    text: str
    type: PartType | str = expected("delta")
    event_id: str | None = expected()


class InterruptionEvent(ServerEvent, frozen=True, kw_only=True):
    """The user has interrupted: sound with a lower event id is not to be heard any more."""

    TYPE = "interruption"
    INNER = "interruption_event"
    INNER_MAY_BE_MISSING = True

    event_id: int | None = None


class ConversationMetadataEvent(ServerEvent, frozen=True, kw_only=True):
    """The first event of a conversation: its id and the audio formats agreed for it.

    A format that is missing or null is None here.
    """

    TYPE = "conversation_initiation_metadata"
    INNER = "conversation_initiation_metadata_event"

    conversation_id: str
    agent_output_audio_format: str | None = None
    user_input_audio_format: str | None = None


class ClientToolCallEvent(ServerEvent, frozen=True, kw_only=True):
    """The agent asks the client to run one of its tools.

    `parameters` that are missing or null are None here: the tool is called without any.
    """

    TYPE = "client_tool_call"
    INNER = "client_tool_call"
    NOT_TO_BE_GUESSED = ("parameters",)

    tool_name: str
    tool_call_id: str
    parameters: dict[str, Any] | None = None
    event_id: int | None = expected()


class RichContentEvent(ServerEvent, frozen=True, kw_only=True):
    """Something to show: a named component and its properties."""

    TYPE = "rich_content"
    INNER = "rich_content"

    rich_content_id: str | None = expected()
    component: str
    props: dict[str, Any] = expected({})
    event_id: int | None = expected()


class AgentToolRequestEvent(ServerEvent, frozen=True, kw_only=True):
    """The agent is about to use a tool."""

    TYPE = "agent_tool_request"
    INNER = "agent_tool_request"

    tool_name: str
    tool_call_id: str | None = expected()
    tool_type: str | None = expected()
    event_id: int | None = expected()


class AgentToolResponseEvent(ServerEvent, frozen=True, kw_only=True):
    """A tool that the agent used has answered, or has failed."""

    TYPE = "agent_tool_response"
    INNER = "agent_tool_response"

    tool_name: str
    tool_call_id: str | None = expected()
    tool_type: str | None = expected()
    is_error: bool = expected(False)
    is_called: bool = expected(True)
    event_id: int | None = expected()


class AgentToolResponseFullPayloadEvent(ServerEvent, frozen=True, kw_only=True):
    """As `AgentToolResponseEvent`, with the tool's result as text, exactly as it came."""

    TYPE = "agent_tool_response_full_payload"
    INNER = "agent_tool_response_full_payload"

    tool_name: str
    tool_call_id: str | None = expected()
    tool_type: str | None = expected()
    is_error: bool = expected(False)
    is_called: bool = expected(True)
    event_id: int | None = expected()
    full_tool_result: str | None = expected()
    is_blocked: bool | None = None
    truncated: bool | None = None


class McpToolCallEvent(ServerEvent, frozen=True, kw_only=True):
    """The state of a call to a tool of an MCP server.

    The contract knows the states `loading`, `awaiting_approval`, `success` and `failure`.
    `approval_timeout_secs` belongs to `awaiting_approval`, `result` to `success`, and
    `error_message` to `failure`; in other states they keep their defaults.
    """

    TYPE = "mcp_tool_call"
    INNER = "mcp_tool_call"

    service_id: str | None = expected()
    tool_call_id: str
    tool_name: str
    parameters: dict[str, Any] = expected({})
    timestamp: str | None = expected()
    state: str
    tool_description: str | None = None
    approval_timeout_secs: float = 300
    result: list[dict[str, Any]] | None = None
    error_message: str | None = None


class McpIntegration(msgspec.Struct, frozen=True, kw_only=True):
    """One MCP server or integration of the agent, and whether it can be reached.

    `integration_type` is `mcp_server` or `mcp_integration` by contract.
    """

    integration_id: str
    integration_type: str | None = expected()
    is_connected: bool | None = expected()
    tool_count: int | None = expected()


class McpConnectionStatusEvent(ServerEvent, frozen=True, kw_only=True):
    """Which of the agent's MCP integrations are connected."""

    TYPE = "mcp_connection_status"
    INNER = "mcp_connection_status"

    integrations: list[McpIntegration]


class VadScoreEvent(ServerEvent, frozen=True, kw_only=True):
    """How likely it is that the user is speaking now, from 0 to 1."""

    TYPE = "vad_score"
    INNER = "vad_score_event"

    vad_score: float


class PingEvent(ServerEvent, frozen=True, kw_only=True, omit_defaults=False):
    """A sign of life, to be answered with a pong of the same event id.

    `ping_ms` is the server's latest measure of the round trip. It is always written, if need be
    as null: the official Python SDK ends the session when the key is missing.
    """

    TYPE = "ping"
    INNER = "ping_event"

    event_id: int
    ping_ms: float | None = None


class ContextUsageEvent(ServerEvent, frozen=True, kw_only=True):
    """How much of the language model's context is in use, in tokens."""

    TYPE = "context_usage"
    INNER = "context_usage_event"

    event_id: int | None = expected()
    model: str | None = expected()
    context_tokens: int
    context_limit_tokens: int | None = expected()


class AsrInitiationMetadataEvent(ServerEvent, frozen=True, kw_only=True):
    """Facts about the speech recogniser; the contract leaves their names open."""

    TYPE = "asr_initiation_metadata"
    INNER = "asr_initiation_metadata_event"
    OPEN = "metadata"

    metadata: dict[str, Any]


class OpenEvent(ServerEvent, frozen=True, kw_only=True):
    """What the events have in common whose fields nobody knows beforehand."""

    INNER_MAY_BE_MISSING = True
    OPEN = "data"

    data: dict[str, Any] = msgspec.field(default_factory=dict)


class AgentResponseCompleteEvent(OpenEvent, frozen=True, kw_only=True):
    """The agent's turn is over: nothing of this answer is to come."""

    TYPE = "agent_response_complete"
    INNER = "agent_response_complete_event"


class AgentResponseMetadataEvent(OpenEvent, frozen=True, kw_only=True):
    """What a language model of the agent's owner tells besides its answer."""

    TYPE = "agent_response_metadata"
    INNER = "agent_response_metadata_event"


class ClientErrorEvent(OpenEvent, frozen=True, kw_only=True):
    """The server could not do what this client asked for."""

    TYPE = "client_error"
    INNER = "client_error_event"


class DtmfRequestEvent(OpenEvent, frozen=True, kw_only=True):
    """The agent wants telephone keys to be pressed, for a phone bridge to do."""

    TYPE = "dtmf_request"
    INNER = "dtmf_request_event"


class GuardrailTriggeredEvent(ServerEvent, frozen=True, kw_only=True):
    """One of the agent's guardrails has stepped in."""

    TYPE = "guardrail_triggered"
    INNER = None


class AgentTypingEvent(ServerEvent, frozen=True, kw_only=True):
    """A person or agent at the other end has begun or stopped typing."""

    TYPE = "agent_typing"
    INNER = "agent_typing_event"

    is_typing: bool
    duration_ms: float | None = None


class ExternalAgentConnectedEvent(ServerEvent, frozen=True, kw_only=True):
    """Someone else, a person for instance, has taken over from the agent."""

    TYPE = "external_agent_connected"
    INNER = None


class ExternalAgentDisconnectedEvent(ServerEvent, frozen=True, kw_only=True):
    """Whoever had taken over from the agent has left."""

    TYPE = "external_agent_disconnected"
    INNER = None


class InternalTurnProbabilityEvent(ServerEvent, frozen=True, kw_only=True):
    """How likely it is that the user's turn is over, from 0 to 1."""

    TYPE = "internal_turn_probability"
    INNER = "turn_probability_internal_event"

    turn_probability: float


class InternalTentativeAgentResponseEvent(ServerEvent, frozen=True, kw_only=True):
    """What the agent would answer if the user's turn were over."""

    TYPE = "internal_tentative_agent_response"
    INNER = "tentative_agent_response_internal_event"

    tentative_agent_response: str


class QueueStatusEvent(ServerEvent, frozen=True, kw_only=True):
    """Whether a call that waits for a free agent has been let in.

    Known values are `waiting`, `admitted` and `timed_out`; what is sent while waiting is lost.
    """

    TYPE = "queue_status"
    INNER = "queue_status_event"

    status: str


class ErrorEvent(ServerEvent, frozen=True, kw_only=True):
    """Something went wrong at the server; a close with the same code usually follows.

    `other` has the fields that are not in the contract, as they came.
    """

    TYPE = "error"
    INNER = "error_event"
    INNER_MAY_BE_MISSING = True

    code: int | str | None = None
    message: str | None = None
    error_type: str | None = None
    reason: str | None = None
    debug_message: str | None = None
    details: Any = None
    other: dict[str, Any] = msgspec.field(default_factory=dict)


def event_types() -> list[type[ServerEvent]]:
    """Every event type of the contract."""
    kinds = [*ServerEvent.__subclasses__(), *OpenEvent.__subclasses__()]
    return [kind for kind in kinds if kind is not OpenEvent]
