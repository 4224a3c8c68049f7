"""Every message is understood without what it can do without, and with values of a kindred type."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    ConversationInitiation,
    EnclaveSetup,
    Feedback,
    Pong,
    UserAudioChunk,
    message_types,
)
from duologue.protocol.codec import (
    MalformedEvent,
    Mended,
    decode_client_message,
    decode_server_event,
    encode_client_message,
    encode_server_event,
    message_of,
)
from duologue.protocol.mending import NOTES_LIMIT
from duologue.protocol.server_events import (
    AgentResponseEvent,
    Alignment,
    AudioEvent,
    ClientToolCallEvent,
    ErrorEvent,
    McpConnectionStatusEvent,
    ServerEvent,
    UserTranscriptEvent,
    event_types,
)

Instances: TypeAlias = Callable[[Any], st.SearchStrategy[Any]]
AnyMessage: TypeAlias = ServerEvent | ClientMessage

# Errors have a reader of their own, and facts about the recogniser have no fixed fields.
ALL_TYPES: list[type[AnyMessage]] = [*event_types(), *message_types()]
TYPES: list[type[AnyMessage]] = [
    message_type
    for message_type in ALL_TYPES
    if msgspec.structs.fields(message_type)
    and message_type not in (ErrorEvent, EnclaveSetup)
    and not getattr(message_type, "OPEN", None)
]
OPTIONAL = [
    pytest.param(message_type, field, id=f"{message_type.__name__}-{field.encode_name}")
    for message_type in TYPES
    for field in msgspec.structs.fields(message_type)
    if not field.required
]
ALL = [
    pytest.param(message_type, field, id=f"{message_type.__name__}-{field.encode_name}")
    for message_type in TYPES
    for field in msgspec.structs.fields(message_type)
]
NONSENSE: list[Any] = [[[1]], "\N{SNOWMAN}", 1.5, {"\N{SNOWMAN}": 1}]


def written(message: AnyMessage) -> dict[str, Any]:
    """The frame of a message, as JSON."""
    if isinstance(message, ServerEvent):
        return dict(json.loads(encode_server_event(message)))
    return dict(json.loads(encode_client_message(message)))


def fields_in(frame: dict[str, Any], message_type: type[AnyMessage]) -> dict[str, Any]:
    """Where in a frame the fields are."""
    if issubclass(message_type, ServerEvent):
        assert message_type.INNER is not None
        fields: dict[str, Any] = frame[message_type.INNER]
        return fields
    return frame


def read(frame: dict[str, Any], message_type: type[AnyMessage]) -> Any:
    text = json.dumps(frame)
    is_event = issubclass(message_type, ServerEvent)
    return decode_server_event(text) if is_event else decode_client_message(text)


def kindred(value: Any) -> Iterator[Any]:
    """The same in other types, as other servers write it."""
    if isinstance(value, bool):
        yield from (str(value).lower(), str(value), int(value), float(value))
    elif isinstance(value, int):
        yield from (str(value), f" {value} ", *([float(value)] if abs(value) < 2**53 else []))
    elif isinstance(value, float):
        yield repr(value)
        if value.is_integer() and abs(value) < 2**53:
            yield from (int(value), str(int(value)))
    elif isinstance(value, dict):
        yield json.dumps(value)


def is_expected(field: msgspec.structs.FieldInfo) -> bool:
    return field.default_factory is not msgspec.NODEFAULT


@pytest.mark.parametrize(("message_type", "field"), OPTIONAL)
@settings(max_examples=15)
@given(data=st.data())
def test_a_field_that_is_not_essential_may_be_missing_or_null(
    message_type: type[AnyMessage],
    field: msgspec.structs.FieldInfo,
    instances: Instances,
    data: st.DataObject,
) -> None:
    message = data.draw(instances(message_type))
    frame = written(message)
    fields = fields_in(frame, message_type)
    fields.pop(field.encode_name, None)
    without = read(frame, message_type)
    fields[field.encode_name] = None
    with_null = read(frame, message_type)
    default = field.default_factory() if is_expected(field) else field.default
    for result in (without, with_null):
        assert message_of(result) == msgspec.structs.replace(message, **{field.name: default})
    if is_expected(field):
        assert any(f".{field.encode_name}`" in note for note in without.notes)


@pytest.mark.parametrize(("message_type", "field"), ALL)
@settings(max_examples=15)
@given(data=st.data())
def test_a_value_of_a_kindred_type_is_taken_for_what_it_says(
    message_type: type[AnyMessage],
    field: msgspec.structs.FieldInfo,
    instances: Instances,
    data: st.DataObject,
) -> None:
    message = data.draw(instances(message_type))
    frame = written(message)
    fields = fields_in(frame, message_type)
    value = fields.get(field.encode_name)
    if field.type is Any or (isinstance(value, dict) and message_type is ConversationInitiation):
        return
    for other in kindred(value):
        fields[field.encode_name] = other
        assert message_of(read(frame, message_type)) == message


@pytest.mark.parametrize(("message_type", "field"), OPTIONAL)
@settings(max_examples=20)
@given(data=st.data(), nonsense=st.sampled_from(NONSENSE))
def test_what_is_not_essential_and_makes_no_sense_counts_as_missing(
    message_type: type[AnyMessage],
    field: msgspec.structs.FieldInfo,
    nonsense: Any,
    instances: Instances,
    data: st.DataObject,
) -> None:
    frame = written(data.draw(instances(message_type)))
    fields_in(frame, message_type)[field.encode_name] = nonsense
    result = read(frame, message_type)
    if field.name in message_type.NOT_TO_BE_GUESSED:
        assert isinstance(result, MalformedEvent | Mended | message_type)
    else:
        assert isinstance(message_of(result), message_type)


@pytest.mark.parametrize("parameters", [5, [1], "x", "[1]", True], ids=str)
def test_a_tool_is_not_called_without_parameters_that_make_no_sense(parameters: Any) -> None:
    call = {"tool_name": "t", "tool_call_id": "c", "parameters": parameters}
    result = decode_server_event(json.dumps({"type": "client_tool_call", "client_tool_call": call}))
    assert isinstance(result, MalformedEvent)
    assert "`$.client_tool_call.parameters`: an object was expected" in result.reason
    assert result.tool_call_id == "c"


def test_parameters_may_come_as_the_text_of_an_object() -> None:
    call = {"tool_name": "t", "tool_call_id": 5, "parameters": '{"city": "Paris"}', "event_id": "x"}
    result = decode_server_event(json.dumps({"type": "client_tool_call", "client_tool_call": call}))
    assert message_of(result) == ClientToolCallEvent(
        tool_name="t", tool_call_id="5", parameters={"city": "Paris"}
    )


def audio(**fields: Any) -> Any:
    frame = json.dumps({"type": "audio", "audio_event": fields})
    return decode_server_event(frame)


SOUND = bytes(range(256)) * 3 + b"\xfb\xff"
BASE64 = base64.b64encode(SOUND).decode()
URL_BASE64 = base64.urlsafe_b64encode(SOUND).decode()


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(BASE64[start : start + 76] for start in range(0, len(BASE64), 76)),
        "\r\n".join(BASE64[start : start + 64] for start in range(0, len(BASE64), 64)) + "\r\n",
        URL_BASE64,
        BASE64.rstrip("="),
        URL_BASE64.rstrip("="),
        f"  {BASE64} ",
    ],
    ids=["mime", "pem", "url", "unpadded", "url, unpadded", "spaces"],
)
def test_base64_is_read_in_all_its_forms(text: str) -> None:
    result = audio(audio_base_64=text, event_id=1)
    assert message_of(result) == AudioEvent(audio=SOUND, event_id=1)
    assert "base64" in result.notes[0]
    message = decode_client_message(json.dumps({"user_audio_chunk": text}))
    assert message_of(message) == UserAudioChunk(audio=SOUND)


@pytest.mark.parametrize(
    "alignment",
    [
        {"chars": None, "char_start_times_ms": None, "char_durations_ms": None},
        {},
        {"chars": ["a"], "char_start_times_ms": [None], "char_durations_ms": "x"},
        [],
        "none",
        7,
    ],
    ids=str,
)
def test_speech_is_never_lost_over_its_captions(alignment: Any) -> None:
    event = message_of(audio(audio_base_64=BASE64, event_id=3, alignment=alignment))
    assert event.audio == SOUND
    assert event.event_id == 3


def test_captions_are_read_with_times_as_text() -> None:
    alignment = {
        "chars": ["a", 1],
        "char_start_times_ms": ["0", 50.0],
        "char_durations_ms": [50, 9],
    }
    event = message_of(audio(audio_base_64=BASE64, event_id=3, alignment=alignment))
    assert event.alignment == Alignment(
        chars=["a", "1"], char_start_times_ms=[0, 50], char_durations_ms=[50, 9]
    )


def test_of_a_list_of_objects_those_are_kept_that_make_sense() -> None:
    integrations = [{"integration_id": "a"}, 5, {"integration_id": None}, {"integration_id": 7}]
    frame = {
        "type": "mcp_connection_status",
        "mcp_connection_status": {"integrations": integrations},
    }
    event = message_of(decode_server_event(json.dumps(frame)))
    assert isinstance(event, McpConnectionStatusEvent)
    assert [one.integration_id for one in event.integrations] == ["a", "7"]


def test_a_note_says_where_what_was_expected_and_what_came() -> None:
    frame = '{"type": "user_transcript", "user_transcription_event": {"user_transcript": 5}}'
    assert decode_server_event(frame) == Mended(
        message=UserTranscriptEvent(user_transcript="5"),
        notes=(
            "`$.user_transcription_event.user_transcript`: text was expected, and 5 came",
            "`$.user_transcription_event.event_id` is missing",
        ),
    )


def test_what_is_as_the_contract_says_has_no_note() -> None:
    event = AgentResponseEvent(agent_response="a", event_id=1)
    assert decode_server_event(encode_server_event(event)) == event


def test_a_million_wrong_numbers_lead_to_few_notes() -> None:
    times = [str(number) for number in range(100_000)]
    result = audio(
        audio_base_64=BASE64,
        event_id=3,
        alignment={"chars": [], "char_start_times_ms": times, "char_durations_ms": []},
    )
    assert result.message.alignment.char_start_times_ms[-1] == 99_999
    assert len(result.notes) <= NOTES_LIMIT


def test_clients_may_leave_out_what_nobody_misses() -> None:
    pong = decode_client_message('{"type": "pong"}')
    assert message_of(pong) == Pong(event_id=None)
    result = decode_client_message('{"type": "client_tool_result", "tool_call_id": 7}')
    assert message_of(result) == ClientToolResult(tool_call_id="7", result=None, is_error=False)
    feedback = decode_client_message('{"type": "feedback", "event_id": "3", "score": "like"}')
    assert message_of(feedback) == Feedback(event_id=3, score="like")


@pytest.mark.parametrize("name", ConversationInitiation.NOT_TO_BE_GUESSED)
def test_what_a_client_wants_of_its_conversation_is_not_guessed(name: str) -> None:
    frame = {"type": "conversation_initiation_client_data", name: [1]}
    result = decode_client_message(json.dumps(frame))
    assert isinstance(result, MalformedEvent)
    assert f"`$.{name}`: an object was expected" in result.reason
