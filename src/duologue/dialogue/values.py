"""What a conversation tells its caller, apart from the server's own events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from duologue.protocol.formats import AudioFormat
from duologue.protocol.server_events import Attachment


class Status(StrEnum):
    """How far a session is; it only ever moves down this list."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


class Mode(StrEnum):
    """Whether the agent is to be heard at the moment."""

    LISTENING = "listening"
    SPEAKING = "speaking"


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something the user or the agent has said or written, as text.

    Two are equal whenever they were said.

    Attributes:
        role: who has said it.
        text: what was said; of an answer that the user interrupted, what was heard of it.
        event_id: the server's id; None for what the user has written, or if the server gives none.
        attachments: files that came with it.
        full_text: what the agent had generated; the same as `text` unless `corrected`.
        corrected: whether the user has interrupted it, and the server has said where.
        since_start_ms: when it came, since the conversation was connected, by a monotonic clock.
        at: the same moment by the clock on the wall, in UTC.
    """

    role: Literal["user", "agent"]
    text: str
    event_id: int | None = None
    attachments: tuple[Attachment, ...] = ()
    full_text: str | None = None
    corrected: bool = False
    since_start_ms: float = field(default=0.0, compare=False)
    at: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.full_text is None:
            object.__setattr__(self, "full_text", self.text)


@dataclass(frozen=True, kw_only=True)
class AgentAudio:
    """A piece of the agent's speech.

    Attributes:
        pcm: int16 little-endian mono samples, at `format.sample_rate_hz`.
        format: how the samples came over the wire.
        event_id: the server's id of the response; None where the transport has no ids.
    """

    pcm: bytes = field(repr=False)
    format: AudioFormat
    event_id: int | None

    @property
    def duration_ms(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / 2 * 1000 / self.format.sample_rate_hz


@dataclass(frozen=True, kw_only=True)
class DeviceChange:
    """Another microphone or speaker is in use than was.

    Attributes:
        kind: which of the two.
        device_id: the one in use now; None for the system's default.
        reason: why it is not the one that was asked for; None if it is.
        available: whether there is a device at all. If not, the microphone is silent and nobody
            hears the speaker until there is one.
    """

    kind: Literal["microphone", "speaker"]
    device_id: str | None
    reason: str | None = None
    available: bool = True


@dataclass(frozen=True, kw_only=True)
class ErrorReport:
    """Something went wrong, and the conversation goes on."""

    message: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, kw_only=True)
class ConnectionNotice:
    """Something about the way to the agent; the conversation goes on.

    Attributes:
        kind: `reconnecting` while a lost WebRTC connection is being made anew, `reconnected` once
            it is there again, `websocket_instead` if the server has no WebRTC, and the
            conversation goes over WebSocket.
        message: a sentence for people.
    """

    kind: Literal["reconnecting", "reconnected", "websocket_instead"]
    message: str


@dataclass(frozen=True, kw_only=True)
class Disconnection:
    """Why a conversation ended.

    Attributes:
        reason: `user` if `end_session` was called, `agent` if the agent ended it on purpose,
            `error` if it was lost or refused.
        message: a sentence for `error`, else None.
        close_code: the WebSocket close code, if there was one; 1006 for a connection that was lost.
        close_reason: the server's own words at the close, if it gave any.
        context: what led to it: `type` is `close`, `end_call`, `max_duration_exceeded`, `error`, or
            for a WebRTC connection that was lost `connection_state_changed`.
    """

    reason: Literal["user", "agent", "error"]
    message: str | None = None
    close_code: int | None = None
    close_reason: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def by_user(cls) -> Disconnection:
        """The caller ended the session."""
        return cls(reason="user")

    @classmethod
    def by_close(cls, code: int, close_reason: str | None) -> Disconnection:
        """The server closed the connection, or it broke (code 1006).

        1000 is the agent's regular end; every other code is an error.
        """
        close_reason = close_reason or None
        regular = code == NORMAL_CLOSURE
        return cls(
            reason="agent" if regular else "error",
            message=None if regular else close_reason or _unexplained(code),
            close_code=code,
            close_reason=close_reason,
            context={"type": "close", "code": code}
            | ({"reason": close_reason} if close_reason else {}),
        )

    @classmethod
    def by_departure(cls, what: str) -> Disconnection:
        """The agent left a WebRTC room, or the room was ended, on purpose."""
        return cls(reason="agent", context={"type": "close", "reason": what})

    @classmethod
    def by_loss(cls, message: str) -> Disconnection:
        """A WebRTC room, or the agent in it, was lost."""
        return cls(reason="error", message=message, context={"type": "connection_state_changed"})

    @classmethod
    def by_violation(cls, code: int, violation: str) -> Disconnection:
        """The server broke the rules of WebSockets, so this side closed with `code`."""
        return cls(
            reason="error",
            message=f"the connection was closed, because the server broke its rules: {violation}",
            close_code=code,
            context={"type": "close", "code": code},
        )


NORMAL_CLOSURE = 1000
"""The close code of a conversation that ended as it should (RFC 6455, 7.4.1)."""

NO_STATUS_CLOSURE = 1005
"""The code that stands for a close frame without a code (RFC 6455, 7.4.1)."""

ABNORMAL_CLOSURE = 1006
"""The code that stands for a connection that was lost without a close frame (RFC 6455, 7.4.1)."""


def _unexplained(code: int) -> str:
    if code == ABNORMAL_CLOSURE:
        return "the connection to the server was lost"
    if code == NO_STATUS_CLOSURE:
        return "the server closed the connection and gave neither a code nor a reason"
    return f"the server closed the connection with code {code} and gave no reason"
