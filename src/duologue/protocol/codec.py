"""Frames to typed messages and back.

Decoding never raises, whatever a peer sends: a frame becomes a typed message, an `Unknown` that
keeps its data, or a `Malformed` with the reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from duologue.protocol.client_messages import ClientMessage, UserAudioChunk, message_types
from duologue.protocol.server_events import AsrInitiationMetadataEvent, ServerEvent, event_types

Frame: TypeAlias = str | bytes

# RecursionError is what deep nesting leads to; the others are all ValueErrors (bad JSON, bad
# UTF-8, lone surrogates, wrong fields, numbers with too many digits).
_DECODE_ERRORS = (ValueError, RecursionError, OverflowError)


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a type that is not in the contract, with all its data."""

    type: str
    data: dict[str, Any]


class MalformedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that is no message of the contract.

    Attributes:
        reason: what is wrong, and where.
        frame: the frame as it came.
        type: the message's type, if it had one.
    """

    reason: str
    frame: Frame
    type: str | None = None


Incoming: TypeAlias = ServerEvent | UnknownEvent | MalformedEvent
IncomingMessage: TypeAlias = ClientMessage | UnknownEvent | MalformedEvent


class _Envelope(msgspec.Struct):
    type: str | None = None
    user_audio_chunk: msgspec.Raw = msgspec.Raw()


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_audio_chunk_decoder = msgspec.json.Decoder(UserAudioChunk)
_object_decoder = msgspec.json.Decoder(dict[str, Any])


def decode_server_event(frame: Frame) -> Incoming:
    """Read what a server sent. Never raises."""
    event: Incoming = _decode(frame, _server_event_reader)
    return event


def decode_client_message(frame: Frame) -> IncomingMessage:
    """Read what a client sent. Never raises."""
    message: IncomingMessage = _decode(frame, _client_message_reader)
    return message


def encode_server_event(event: ServerEvent) -> str:
    """Write an event as a text frame."""
    message: dict[str, Any] = {"type": event.TYPE}
    if isinstance(event, AsrInitiationMetadataEvent):
        message[_inner_key(event)] = event.metadata
    elif event.INNER is not None:
        message[event.INNER] = event
    return msgspec.json.encode(message).decode()


def encode_client_message(message: ClientMessage) -> str:
    """Write a message as a text frame.

    Raises:
        TypeError: a value inside (a dynamic variable, an extra body) is not JSON.
    """
    if message.TYPE is None:
        return msgspec.json.encode(message).decode()
    fields = msgspec.to_builtins(message)
    return msgspec.json.encode({"type": message.TYPE, **fields}).decode()


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
        return MalformedEvent(reason=_reason(error), frame=frame, type=type_name)


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "the message is nested too deeply"
    return str(error)


def _server_event_reader(envelope: _Envelope) -> _Reader | None:
    return _server_event_readers().get(envelope.type or "")


def _client_message_reader(envelope: _Envelope) -> _Reader | None:
    if envelope.type:
        return _client_message_readers().get(envelope.type)
    return _audio_chunk_decoder.decode if bytes(envelope.user_audio_chunk) else None


@functools.cache
def _server_event_readers() -> dict[str, _Reader]:
    return {event_type.TYPE: _event_reader(event_type) for event_type in event_types()}


@functools.cache
def _client_message_readers() -> dict[str, _Reader]:
    return {
        message_type.TYPE: msgspec.json.Decoder(message_type).decode
        for message_type in message_types()
        if message_type.TYPE is not None
    }


def _event_reader(event_type: type[ServerEvent]) -> _Reader:
    if event_type.INNER is None:
        return lambda frame: event_type()
    if event_type is AsrInitiationMetadataEvent:
        wrapper = _wrapper(event_type, dict[str, Any])
        return lambda frame: AsrInitiationMetadataEvent(metadata=wrapper.decode(frame).inner)
    if event_type.INNER_MAY_BE_MISSING:
        lenient = _wrapper(event_type, event_type | None, default=None)
        return lambda frame: lenient.decode(frame).inner or event_type()
    strict = _wrapper(event_type, event_type)
    return lambda frame: strict.decode(frame).inner


def _wrapper(
    event_type: type[ServerEvent], inner: Any, **default: Any
) -> msgspec.json.Decoder[Any]:
    """A decoder for the object around an event's fields, whose `inner` those fields are."""
    field = msgspec.field(name=event_type.INNER, **default)
    return msgspec.json.Decoder(
        msgspec.defstruct(f"{event_type.__name__}Frame", [("inner", inner, field)])
    )


def _inner_key(event: ServerEvent) -> str:
    assert event.INNER is not None
    return event.INNER
