"""How calls end: close codes, error types, and the sentences that go with them.

Codes and types are those of the contract (`@elevenlabs/types` 0.23.0, `ErrorType`): 1000 is a
normal end, 1002 an operational one (timeouts, failing models), 1008 wrong input, 1011 our fault.
"""

from __future__ import annotations

from dataclasses import dataclass

from duologue.protocol.server_events import ErrorEvent

NORMAL = 1000
OPERATIONAL = 1002
POLICY = 1008
INTERNAL = 1011

LONGEST_REASON_BYTES = 123
"""RFC 6455, section 5.5: a control frame holds 125 bytes, and two of them are the code."""


@dataclass(frozen=True)
class CallEnd:
    """Why a call is over, as the client is told.

    Attributes:
        code: the WebSocket close code.
        reason: one sentence for a person.
        error_type: the contract's name of the error, or None where no `error` event is sent.
    """

    code: int
    reason: str
    error_type: str | None = None

    @property
    def error_event(self) -> ErrorEvent | None:
        """The event to send before the close, if the end is an error."""
        if self.error_type is None:
            return None
        return ErrorEvent(
            code=self.code, error_type=self.error_type, message=self.reason, reason=self.reason
        )

    @property
    def close_reason(self) -> str:
        """The reason, as much of it as fits a close frame."""
        data = self.reason.encode()
        if len(data) <= LONGEST_REASON_BYTES:
            return self.reason
        return data[: LONGEST_REASON_BYTES - 3].decode(errors="ignore") + "…"


class CallRefused(Exception):
    """A call cannot go on; carries its end to whoever closes it."""

    def __init__(self, end: CallEnd) -> None:
        super().__init__(end.reason)
        self.end = end


CLIENT_GONE = CallEnd(NORMAL, "The client has gone")
NOT_READING = CallEnd(OPERATIONAL, "The client does not read what it is sent")

UNREACHABLE = (CLIENT_GONE, NOT_READING)
"""After these there is nobody to be told."""

SERVER_STOPS = CallEnd(OPERATIONAL, "The agent's server is being stopped")

ENDED_BY_SILENCE = CallEnd(NORMAL, "The user has been silent for too long")

INTERNAL_ERROR = CallEnd(
    INTERNAL, "The agent's server failed; its log says why", "unknown_websocket_crash"
)


def unknown_agent(agent_id: str) -> CallEnd:
    """The URL names no agent of this server."""
    shown = agent_id if len(agent_id) <= 60 else f"{agent_id[:60]}…"
    if not shown:
        return CallEnd(POLICY, "The URL names no agent; it needs ?agent_id=…")
    return CallEnd(POLICY, f"This server has no agent with the id {shown!r}")


def auth_required(agent_id: str) -> CallEnd:
    """The agent wants a signed URL, and the call came without one."""
    return CallEnd(POLICY, f"The agent {agent_id!r} needs a signed URL, and this one is not")


SIGNATURE_FORGED = CallEnd(
    POLICY, "The URL's signature is not of this server; get a new signed URL from it"
)

SIGNATURE_EXPIRED = CallEnd(
    POLICY, "The signed URL has expired: a conversation begins within 15 minutes; get a new one"
)


def signature_for_another(agent_id: str) -> CallEnd:
    """The URL was signed by this server, but for a conversation with another agent."""
    return CallEnd(POLICY, f"The signed URL is for another agent than {agent_id!r}")


def invalid_message(what: str) -> CallEnd:
    """The client sent something that is no message."""
    return CallEnd(POLICY, f"Invalid message: {what}", "invalid_message")


def invalid_override(what: str) -> CallEnd:
    """The client wants to change something that cannot be changed so."""
    return CallEnd(POLICY, f"Invalid override: {what}", "override_error")


def missing_dynamic_variable(what: str) -> CallEnd:
    """The prompt or first message needs a variable that the client did not send."""
    return CallEnd(POLICY, what, "missing_dynamic_variable")


def nothing_received(limit_s: float) -> CallEnd:
    """The client kept silent on the wire."""
    return CallEnd(
        OPERATIONAL,
        f"Nothing was received from the client for {limit_s:g} s",
        "transport_receive_timeout",
    )


def max_duration_exceeded(limit_s: float) -> CallEnd:
    """The conversation has lasted as long as its definition allows."""
    return CallEnd(
        NORMAL, f"The conversation reached its limit of {limit_s:g} s", "max_duration_exceeded"
    )


def prompt_too_long(tokens: int, budget_tokens: int) -> CallEnd:
    """The client has made the prompt longer than the language model can take."""
    return CallEnd(
        POLICY,
        f"Invalid override: the prompt has some {tokens} tokens, and the language model can take "
        f"{budget_tokens}; shorten it, or what is filled in",
        "override_error",
    )


def empty_answer() -> CallEnd:
    """The language model has answered nothing; the conversation goes on."""
    return CallEnd(OPERATIONAL, "The language model gave an empty answer", "llm_error")


def llm_timeout(limit_s: float) -> CallEnd:
    """The language model did not answer in time."""
    return CallEnd(
        OPERATIONAL, f"The language model gave no answer within {limit_s:g} s", "llm_timeout"
    )


def llm_failed() -> CallEnd:
    """The language model raised an error."""
    return CallEnd(OPERATIONAL, "The language model failed", "llm_error")


def recognition_failed() -> CallEnd:
    """The speech recogniser raised an error."""
    return CallEnd(OPERATIONAL, "Speech recognition failed", "asr_transcription_error")


def synthesis_failed() -> CallEnd:
    """The synthesiser raised an error, or took too long."""
    return CallEnd(OPERATIONAL, "Speech synthesis failed", "tts_cascade_error")
