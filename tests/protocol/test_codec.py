"""Whatever a peer sends, decoding gives a message, an unknown event, or the reason why not."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.protocol.client_messages import (
    ClientMessage,
    ConversationInitiation,
    Feedback,
    UserAudioChunk,
    UserMessage,
    message_types,
)
from duologue.protocol.codec import (
    Frame,
    MalformedEvent,
    Mended,
    UnknownEvent,
    decode_client_message,
    decode_server_event,
    encode_client_message,
    encode_server_event,
    message_of,
)
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AudioEvent,
    ErrorEvent,
    ExternalAgentConnectedEvent,
    PingEvent,
    ServerEvent,
    event_types,
)

Instances: TypeAlias = Callable[[Any], st.SearchStrategy[Any]]
AnyMessage: TypeAlias = ServerEvent | ClientMessage

LONGEST_REPR = 1_200
KNOWN_TYPES = sorted(
    {event_type.TYPE for event_type in event_types()}
    | {message_type.TYPE for message_type in message_types() if message_type.TYPE}
)
INNER_KEYS = sorted({event_type.INNER for event_type in event_types() if event_type.INNER})

# Wilder than JSON: NaN, infinities, halves of surrogate pairs and numbers of any size get in.
any_text = st.text(st.characters(exclude_categories=()), max_size=20)
any_number = st.integers() | st.floats() | st.integers(300, 5000).map(lambda digits: 10**digits)
scalars = st.none() | st.booleans() | any_number | any_text
keys = any_text | st.sampled_from(["type", "event_id", "user_audio_chunk", *INNER_KEYS])
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
any_message_type = st.sampled_from([*event_types(), *message_types()])


@pytest.fixture(autouse=True, scope="module")
def _numbers_of_any_length_can_be_written() -> Iterator[None]:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(6000)
    yield
    sys.set_int_max_str_digits(limit)


def encode(message: AnyMessage) -> str:
    if isinstance(message, ServerEvent):
        return encode_server_event(message)
    return encode_client_message(message)


def decode(frame: Frame, message_type: type[AnyMessage]) -> object:
    """What a frame says, mended or not."""
    if issubclass(message_type, ServerEvent):
        return message_of(decode_server_event(frame))
    return message_of(decode_client_message(frame))


def check_both_decoders(frame: Frame) -> None:
    check_result(decode_server_event(frame), ServerEvent, frame)
    check_result(decode_client_message(frame), ClientMessage, frame)


def check_result(result: object, expected: type[AnyMessage], frame: Frame) -> None:
    if isinstance(result, UnknownEvent):
        assert result.data == json.loads(frame)
        assert result.type == result.data["type"]
        types = event_types() if expected is ServerEvent else message_types()
        assert result.type not in {kind.TYPE for kind in types}
    elif isinstance(result, MalformedEvent):
        assert result.reason
        assert result.frame is frame
        assert len(repr(result)) < LONGEST_REPR
    else:
        assert isinstance(message_of(result), expected)
        assert not isinstance(result, Mended) or result.notes


def _keeps_all(message_type: type[AnyMessage]) -> bool:
    return message_type is ErrorEvent or bool(getattr(message_type, "OPEN", None))


def malformed(frame: Frame) -> MalformedEvent:
    result = decode_server_event(frame)
    assert isinstance(result, MalformedEvent)
    return result


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a JSON value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(inner, (*path, key))


def parent_of(message: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        message = message[key]
    return message


@given(frame=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_decoded(frame: bytes) -> None:
    check_both_decoders(frame)


@given(frame=any_text)
@settings(max_examples=300, deadline=None)
def test_any_text_is_decoded(frame: str) -> None:
    check_both_decoders(frame)


@given(value=any_json, ensure_ascii=st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_json_is_decoded(value: Any, ensure_ascii: bool) -> None:
    check_both_decoders(json.dumps(value, ensure_ascii=ensure_ascii))


@given(
    type_name=st.sampled_from(KNOWN_TYPES) | any_json,
    contents=st.dictionaries(keys, any_json, max_size=4),
    inner=st.dictionaries(keys, any_json, max_size=4),
    inner_key=st.sampled_from(INNER_KEYS),
)
@settings(max_examples=400, deadline=None)
def test_any_contents_of_a_known_type_are_decoded(
    type_name: Any, contents: dict[str, Any], inner: dict[str, Any], inner_key: str
) -> None:
    check_both_decoders(json.dumps({**contents, inner_key: inner, "type": type_name}))


@given(message_type=any_message_type, data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_message_with_one_value_replaced_or_removed_is_decoded(
    message_type: type[AnyMessage], data: st.DataObject, instances: Instances
) -> None:
    message = json.loads(encode(data.draw(instances(message_type))))
    place = data.draw(st.sampled_from(list(places(message))))
    parent = parent_of(message, place)
    if data.draw(st.booleans(), label="remove"):
        del parent[place[-1]]
    else:
        parent[place[-1]] = data.draw(any_json)
    check_both_decoders(json.dumps(message))


@given(message_type=any_message_type, data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_frame_is_decoded(
    message_type: type[AnyMessage], data: st.DataObject, instances: Instances
) -> None:
    frame = encode(data.draw(instances(message_type))).encode()
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 5)))
    check_both_decoders(frame[:start] + data.draw(st.binary(max_size=5)) + frame[end:])


@given(message_type=any_message_type, data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_message_without_a_required_field_is_malformed_and_the_reason_names_it(
    message_type: type[AnyMessage], data: st.DataObject, instances: Instances
) -> None:
    message = json.loads(encode(data.draw(instances(message_type))))
    inner_key = message_type.INNER if issubclass(message_type, ServerEvent) else None
    for field in msgspec.structs.fields(message_type):
        if not field.required or field.name == "metadata" or message_type is UserAudioChunk:
            continue
        damaged = copy.deepcopy(message)
        del (damaged[inner_key] if inner_key else damaged)[field.encode_name]
        result = decode(json.dumps(damaged), message_type)
        assert isinstance(result, MalformedEvent)
        assert f"`{field.encode_name}`" in result.reason
        assert result.type == message_type.TYPE


@pytest.mark.parametrize(
    "event_type",
    [kind for kind in event_types() if kind.INNER and not kind.INNER_MAY_BE_MISSING],
    ids=lambda it: it.TYPE,
)
def test_an_event_without_its_inner_object_is_malformed_and_the_reason_names_it(
    event_type: type[ServerEvent],
) -> None:
    missing = malformed(json.dumps({"type": event_type.TYPE}))
    assert missing.type == event_type.TYPE
    assert f"`{event_type.INNER}`" in missing.reason
    wrongs: tuple[Any, ...] = (None, 5, "text", [], True)
    for wrong in wrongs:
        result = malformed(json.dumps({"type": event_type.TYPE, event_type.INNER: wrong}))
        assert result.type == event_type.TYPE
        assert f"`$.{event_type.INNER}`" in result.reason


@given(
    message_type=any_message_type.filter(
        lambda it: it is not ErrorEvent and not getattr(it, "OPEN", None)
    ),
    extra=any_text,
    value=st.none() | st.text(),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_fields_beyond_the_contract_are_ignored(
    message_type: type[AnyMessage],
    extra: str,
    value: str | None,
    data: st.DataObject,
    instances: Instances,
) -> None:
    expected = data.draw(instances(message_type))
    message = json.loads(encode(expected))
    message[f"x-{extra}".encode(errors="replace").decode()] = value
    assert decode(json.dumps(message), message_type) == expected


@given(message_type=any_message_type, data=st.data())
@settings(max_examples=200, deadline=None)
def test_null_in_an_optional_field_is_the_same_as_its_absence(
    message_type: type[AnyMessage], data: st.DataObject, instances: Instances
) -> None:
    message = json.loads(encode(data.draw(instances(message_type))))
    inner_key = message_type.INNER if issubclass(message_type, ServerEvent) else None
    fields = message[inner_key] if inner_key else message
    for field in msgspec.structs.fields(message_type):
        if field.default is None:
            absent = {key: value for key, value in fields.items() if key != field.encode_name}
            null = {**absent, field.encode_name: None}
            assert decode(
                json.dumps({**message, inner_key: absent} if inner_key else absent), message_type
            ) == decode(
                json.dumps({**message, inner_key: null} if inner_key else null), message_type
            )


@pytest.mark.parametrize("type_name", ["", None])
def test_a_message_without_a_type_is_malformed(type_name: str | None) -> None:
    for frame in ("{}", json.dumps({"type": type_name, "text": "a"})):
        for decoder in (decode_server_event, decode_client_message):
            result = decoder(frame)
            assert isinstance(result, MalformedEvent)
            assert result.type is None or result.type == type_name
            assert "type" in result.reason


@pytest.mark.parametrize("type_name", [5, True, 1.5, [], {}])
def test_a_type_that_is_not_text_is_malformed(type_name: Any) -> None:
    result = malformed(json.dumps({"type": type_name}))
    assert result.type is None
    assert "`$.type`" in result.reason


@pytest.mark.parametrize("frame", ["null", "5", '"text"', "[]", "true"])
def test_json_that_is_no_object_is_malformed(frame: str) -> None:
    assert "Expected `object`" in malformed(frame).reason


@pytest.mark.parametrize("event_id", ["1.5", "true", '"one"', "null", "[]"])
def test_an_event_id_that_is_no_integer_is_malformed(event_id: str) -> None:
    frame = f'{{"type": "ping", "ping_event": {{"event_id": {event_id}}}}}'
    assert "`$.ping_event.event_id`" in malformed(frame).reason


@pytest.mark.parametrize("parameters", ["5", '"text"', "[]", "true"])
def test_a_malformed_call_of_a_tool_keeps_the_id_under_which_it_waits(parameters: str) -> None:
    call = f'{{"tool_name": "t", "tool_call_id": "c", "parameters": {parameters}, "event_id": 1}}'
    result = malformed(f'{{"type": "client_tool_call", "client_tool_call": {call}}}')
    assert "`$.client_tool_call.parameters`" in result.reason
    assert result.tool_call_id == "c"


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "client_tool_call"}',
        '{"type": "client_tool_call", "client_tool_call": {"tool_call_id": []}}',
        '{"type": "ping", "client_tool_call": {"tool_call_id": "c"}}',
        '{"type": "client_tool_call", "client_tool_call": {"tool_call_id": "c"}',
    ],
)
def test_what_has_no_id_of_a_call_or_is_none_has_none(frame: str) -> None:
    assert malformed(frame).tool_call_id is None


@pytest.mark.parametrize("digits", [310, 5000])
def test_a_score_too_long_to_calculate_with_is_malformed(digits: int) -> None:
    frame = f'{{"type": "vad_score", "vad_score_event": {{"vad_score": {"9" * digits}}}}}'
    assert malformed(frame).reason


@pytest.mark.parametrize("sound", ["!!!!", "AA=A", "é", "A"])
def test_sound_that_is_not_base64_is_malformed(sound: str) -> None:
    event = json.dumps({"type": "audio", "audio_event": {"audio_base_64": sound, "event_id": 1}})
    assert "`$.audio_event.audio_base_64`" in malformed(event).reason
    message = decode_client_message(json.dumps({"user_audio_chunk": sound}))
    assert isinstance(message, MalformedEvent)
    assert "`$.user_audio_chunk`" in message.reason


def test_sound_may_be_empty() -> None:
    frame = '{"type": "audio", "audio_event": {"audio_base_64": "", "event_id": 1}}'
    assert decode_server_event(frame) == AudioEvent(audio=b"", event_id=1)
    assert decode_client_message('{"user_audio_chunk": ""}') == UserAudioChunk(audio=b"")


@pytest.mark.parametrize("type_member", ["", '"type": null, ', '"type": "", '])
def test_a_clients_sound_needs_no_type(type_member: str) -> None:
    frame = f'{{{type_member}"user_audio_chunk": "AAA="}}'
    assert decode_client_message(frame) == UserAudioChunk(audio=b"\x00\x00")


def test_sound_of_a_client_is_nothing_that_a_server_sends() -> None:
    assert "`type`" in malformed('{"user_audio_chunk": "AAA="}').reason


@pytest.mark.parametrize("depth", [100, 900, 1_100, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(
    "type_name", ["unheard_of", "guardrail_triggered", "asr_initiation_metadata"]
)
def test_deep_nesting_is_decoded(depth: int, opening: str, closing: str, type_name: str) -> None:
    nested = opening * depth + "1" + closing * depth
    frame = f'{{"type": "{type_name}", "asr_initiation_metadata_event": {nested}}}'
    for text in (frame, nested, opening * depth):
        assert isinstance(decode_server_event(text), ServerEvent | UnknownEvent | MalformedEvent)
        assert isinstance(
            decode_client_message(text), ClientMessage | UnknownEvent | MalformedEvent
        )


def test_nesting_too_deep_is_malformed() -> None:
    frame = '{"type": "unheard_of", "a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert malformed(frame).reason == "the message is nested too deeply"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        '{"type": "unheard_of", "a": NaN}',
        '{"type": "unheard_of", "a": -Infinity}',
        '{"type": "unheard_of", "a": 1e400}',
        '{"type": "unheard_of", "a": ' + "9" * 5000 + "}",
        '{"type": "unheard_of", "a": "\\ud800"}',
        '{"type": "unheard_of", "a": "\ud800"}',
        '\ufeff{"type": "unheard_of"}',
        b'\xef\xbb\xbf{"type": "unheard_of"}',
        b'{"type": "unheard_of", "a": "\xff"}',
        '{"type": "unheard_of"} {}',
        '{"type": "unheard_of"}'.encode("utf-16"),
    ],
    ids=lambda it: ascii(it)[:50],
)
def test_what_is_not_json_is_malformed(frame: Frame) -> None:
    check_both_decoders(frame)
    assert malformed(frame).reason


def test_of_duplicate_keys_the_last_counts() -> None:
    ping = '{"type": "unheard_of", "type": "ping", "ping_event": {"event_id": 1, "event_id": 2}}'
    assert decode_server_event(ping) == PingEvent(event_id=2)
    unknown = '{"type": "ping", "type": "unheard_of", "a": 1, "a": 2}'
    expected = UnknownEvent(type="unheard_of", data={"type": "unheard_of", "a": 2})
    assert decode_server_event(unknown) == expected


def test_an_event_of_an_unknown_type_keeps_its_data() -> None:
    data = {"type": "unheard_of", "a": [1, 2.5, None, True, "é", {"b": 10**30}]}
    for decoder in (decode_server_event, decode_client_message):
        assert decoder(json.dumps(data)) == UnknownEvent(type="unheard_of", data=data)


def test_messages_of_one_side_are_unknown_to_the_other() -> None:
    assert isinstance(decode_server_event('{"type": "pong", "event_id": 1}'), UnknownEvent)
    assert isinstance(decode_client_message('{"type": "ping"}'), UnknownEvent)


@pytest.mark.parametrize("inner", [{}, {"external_agent_connected_event": {}}])
def test_the_empty_object_of_an_event_without_fields_is_ignored(inner: dict[str, Any]) -> None:
    frame = json.dumps({"type": "external_agent_connected", **inner})
    assert decode_server_event(frame) == ExternalAgentConnectedEvent()


@pytest.mark.parametrize("frame", ["[" + "x" * 10_000_000, b"[" + b"\xff" * 10_000_000])
def test_a_malformed_event_keeps_the_frame_whole_and_shows_its_ends(frame: Frame) -> None:
    result = malformed(frame)
    assert result.frame is frame
    assert len(repr(result)) < LONGEST_REPR
    assert len(repr(result.__rich_repr__())) < LONGEST_REPR
    assert "9999801 more" in repr(result)


def test_a_short_malformed_event_is_shown_whole() -> None:
    result = MalformedEvent(reason="why", frame="{}", type="ping")
    assert repr(result) == "MalformedEvent(reason='why', frame='{}', type='ping')"


def test_a_reason_that_quotes_the_frame_stays_short_and_says_where() -> None:
    score = "x" * 1_000_000
    result = decode_client_message(json.dumps({"type": "feedback", "event_id": 1, "score": score}))
    assert isinstance(result, MalformedEvent)
    assert len(result.reason) < 300
    assert "`$.score`" in result.reason


def test_a_type_of_megabytes_is_kept_whole_and_shown_short() -> None:
    type_name = "x" * 1_000_000
    result = malformed(
        json.dumps({"type": type_name, "a": float("inf")}).replace("Infinity", "1e400")
    )
    assert result.type == type_name
    assert len(repr(result)) < LONGEST_REPR


def test_numbers_that_json_lacks_are_written_as_null() -> None:
    message = ConversationInitiation(dynamic_variables={"a": float("nan"), "b": float("inf")})
    assert json.loads(encode_client_message(message))["dynamic_variables"] == {"a": None, "b": None}


def test_what_is_not_json_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        encode_client_message(ConversationInitiation(dynamic_variables={"a": object()}))


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        encode_client_message(UserMessage(text="\ud800"))
    with pytest.raises(ValueError, match="surrogates not allowed"):
        encode_server_event(AgentResponseEvent(agent_response="\ud800", event_id=1))


def test_a_score_without_its_field_is_not_the_same_as_null() -> None:
    assert decode_client_message('{"type": "feedback", "event_id": 1, "score": null}') == Feedback(
        event_id=1, score=None
    )
    result = decode_client_message('{"type": "feedback", "event_id": 1}')
    assert isinstance(result, MalformedEvent)
