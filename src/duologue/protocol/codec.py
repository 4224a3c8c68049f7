"""Frames to typed messages and back.

Decoding never raises, whatever a peer sends: a frame becomes a typed message, a `Mended` one where
it was not quite as the contract says, an `UnknownEvent` that keeps its data, or a `MalformedEvent`
with the reason. Fields beyond the contract are ignored, and null in an optional field is the same
as its absence.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from duologue.protocol.client_messages import ClientMessage, UserAudioChunk, message_types
from duologue.protocol.mending import lacks_expected, mend
from duologue.protocol.server_events import (
    ClientToolCallEvent,
    ErrorEvent,
    ServerEvent,
    event_types,
)
from duologue.protocol.unusual import error_of, fields_of, open_event_of

# Enough of each end to see what a frame is about; a frame may have megabytes.
_SHOWN_AT_EACH_END = 100

Frame: TypeAlias = str | bytes

# RecursionError is what deep nesting leads to; the others are all ValueErrors (bad JSON, bad
# UTF-8, lone surrogates, wrong fields, numbers with too many digits).
_DECODE_ERRORS = (ValueError, RecursionError)


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a type that is not in the contract, with all its data."""

    type: str
    data: dict[str, Any]


class MalformedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that is no message of the contract.

    Its `repr` shows the ends of a long frame only.

    Attributes:
        reason: what is wrong, and where.
        frame: the frame as it came, whole.
        type: the message's type, if it had one.
        tool_call_id: the id of a client tool call, if there is one: it still wants an answer.
    """

    reason: str
    frame: Frame
    type: str | None = None
    tool_call_id: str | None = None

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            ("reason", self.reason),
            ("frame", _shortened(self.frame)),
            ("type", self.type and _shortened(self.type)),
        ]


_Message = TypeVar("_Message", ServerEvent, ClientMessage, covariant=True)


class Mended(msgspec.Struct, Generic[_Message], frozen=True, kw_only=True):
    """A message that was not quite as the contract says, and could be understood all the same.

    Attributes:
        message: what it says.
        notes: what was put right for that, one sentence each.
    """

    message: _Message
    notes: tuple[str, ...]


Incoming: TypeAlias = ServerEvent | Mended[ServerEvent] | UnknownEvent | MalformedEvent
IncomingMessage: TypeAlias = ClientMessage | Mended[ClientMessage] | UnknownEvent | MalformedEvent


class _Envelope(msgspec.Struct):
    type: str | None = None
    user_audio_chunk: msgspec.Raw = msgspec.Raw()


class _CallId(msgspec.Struct):
    tool_call_id: str


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_object_decoder = msgspec.json.Decoder(dict[str, Any])


def message_of(received: object) -> Any:
    """What was received, whether or not it had to be mended."""
    return received.message if isinstance(received, Mended) else received


def decode_server_event(frame: Frame) -> Incoming:
    """Read what a server sent. Never raises."""
    event: Incoming = _decode(frame, _server_event_reader)
    return event


def decode_client_message(frame: Frame) -> IncomingMessage:
    """Read what a client sent. Never raises."""
    message: IncomingMessage = _decode(frame, _client_message_reader)
    return message


def encode_server_event(event: ServerEvent) -> str:
    """Write an event as a text frame.

    Raises:
        TypeError: a value inside (a tool's parameters, properties to show) is not JSON.
        ValueError: a text inside has half a surrogate pair, which UTF-8 cannot hold.
    """
    message: dict[str, Any] = {"type": event.TYPE}
    fields: Any = event
    if event.OPEN is not None:
        fields = getattr(event, event.OPEN)
    elif isinstance(event, ErrorEvent):
        known = msgspec.to_builtins(msgspec.structs.replace(event, other={}))
        fields = {**event.other, **known}
    if event.INNER is not None:
        message[event.INNER] = fields
    return msgspec.json.encode(message).decode()


def encode_client_message(message: ClientMessage) -> str:
    """Write a message as a text frame.

    Raises:
        TypeError: a value inside (a dynamic variable, an extra body) is not JSON.
        ValueError: a text inside has half a surrogate pair, which UTF-8 cannot hold.
    """
    return encode_client_frame(message).decode()


def encode_client_frame(message: ClientMessage) -> bytes:
    """Write a message as the bytes of a text frame; see `encode_client_message`."""
    if message.TYPE is None:
        return msgspec.json.encode(message)
    fields = msgspec.to_builtins(message)
    return msgspec.json.encode({"type": message.TYPE, **fields})


_Reader: TypeAlias = Callable[[Frame], Any]


def _decode(frame: Frame, reader_of: Callable[[_Envelope], _Reader | None]) -> Any:
    type_name = None
    try:
        envelope = _envelope_decoder.decode(frame)
        type_name = envelope.type
        reader = reader_of(envelope)
        if reader is not None:
            return reader(frame)
        if not type_name:
            return MalformedEvent(reason="a message needs a `type`; this has none", frame=frame)
        return UnknownEvent(type=type_name, data=_object_decoder.decode(frame))
    except _DECODE_ERRORS as error:
        return MalformedEvent(
            reason=_reason(error),
            frame=frame,
            type=type_name,
            tool_call_id=_tool_call_id(frame) if type_name == ClientToolCallEvent.TYPE else None,
        )


def _tool_call_id(frame: Frame) -> str | None:
    try:
        data = _object_decoder.decode(frame)
        fields, _ = fields_of(ClientToolCallEvent, data)
        call, _ = mend(_CallId, fields)
    except _DECODE_ERRORS:
        return None
    return call.tool_call_id


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "the message is nested too deeply"
    return _shortened(str(error))


_Text = TypeVar("_Text", str, bytes, Frame)


def _shortened(text: _Text) -> _Text:
    left_out = len(text) - 2 * _SHOWN_AT_EACH_END
    if left_out <= 0:
        return text
    note = f" [... {left_out} more ...] "
    if isinstance(text, str):
        return text[:_SHOWN_AT_EACH_END] + note + text[-_SHOWN_AT_EACH_END:]
    return text[:_SHOWN_AT_EACH_END] + note.encode() + text[-_SHOWN_AT_EACH_END:]


def _server_event_reader(envelope: _Envelope) -> _Reader | None:
    return _server_event_readers().get(envelope.type or "")


def _client_message_reader(envelope: _Envelope) -> _Reader | None:
    if envelope.type:
        return _client_message_readers().get(envelope.type)
    return _message_reader(UserAudioChunk) if bytes(envelope.user_audio_chunk) else None


@functools.cache
def _server_event_readers() -> dict[str, _Reader]:
    return {event_type.TYPE: _event_reader(event_type) for event_type in event_types()}


@functools.cache
def _client_message_readers() -> dict[str, _Reader]:
    return {
        message_type.TYPE: _message_reader(message_type)
        for message_type in message_types()
        if message_type.TYPE is not None
    }


@functools.cache
def _message_reader(message_type: type[ClientMessage]) -> _Reader:
    def mended(data: dict[str, Any]) -> Any:
        return _with_notes(
            *mend(message_type, data, not_to_be_guessed=message_type.NOT_TO_BE_GUESSED)
        )

    return _tolerant(msgspec.json.Decoder(message_type).decode, mended)


def _event_reader(event_type: type[ServerEvent]) -> _Reader:
    if event_type.INNER is None:
        return lambda frame: event_type()
    if event_type is ErrorEvent:
        return lambda frame: _with_notes(*error_of(_object_decoder.decode(frame)))
    if event_type.OPEN is not None:
        return lambda frame: _with_notes(*open_event_of(event_type, _object_decoder.decode(frame)))

    def mended(data: dict[str, Any]) -> Any:
        fields, notes = fields_of(event_type, data)
        event, more = mend(
            event_type,
            fields,
            at=f"$.{event_type.INNER}",
            not_to_be_guessed=event_type.NOT_TO_BE_GUESSED,
        )
        return _with_notes(event, (*notes, *more))

    if event_type.INNER_MAY_BE_MISSING:
        lenient = _wrapper(event_type, event_type | None, default=None)
        return _tolerant(lambda frame: lenient.decode(frame).inner, mended)
    strict = _wrapper(event_type, event_type)
    return _tolerant(lambda frame: strict.decode(frame).inner, mended)


def _tolerant(strict: _Reader, mended: Callable[[dict[str, Any]], Any]) -> _Reader:
    """A reader that takes the quick way where all is as the contract says."""

    def read(frame: Frame) -> Any:
        with suppress(msgspec.ValidationError):
            message = strict(frame)
            if message is not None and not lacks_expected(message):
                return message
        return mended(_object_decoder.decode(frame))

    return read


def _with_notes(message: Any, notes: tuple[str, ...]) -> Any:
    return Mended(message=message, notes=notes) if notes else message


def _wrapper(
    event_type: type[ServerEvent], inner: Any, **default: Any
) -> msgspec.json.Decoder[Any]:
    """A decoder for the object around an event's fields, whose `inner` those fields are."""
    field = msgspec.field(name=event_type.INNER, **default)
    return msgspec.json.Decoder(
        msgspec.defstruct(f"{event_type.__name__}Frame", [("inner", inner, field)])
    )
