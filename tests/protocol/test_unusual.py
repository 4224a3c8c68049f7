"""The fields of an event are found wherever a server puts them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.protocol.codec import (
    Mended,
    decode_server_event,
    encode_server_event,
    message_of,
)
from duologue.protocol.server_events import (
    AgentResponseEvent,
    ClientToolCallEvent,
    ErrorEvent,
    InterruptionEvent,
    ServerEvent,
    event_types,
)


def read(**frame: Any) -> Any:
    return decode_server_event(json.dumps(frame))


def error(**frame: Any) -> ErrorEvent:
    event = message_of(read(type="error", **frame))
    assert isinstance(event, ErrorEvent)
    return event


def test_fields_may_come_beside_the_type() -> None:
    result = read(type="agent_response", agent_response="Hello.", event_id=3)
    assert result == Mended(
        message=AgentResponseEvent(agent_response="Hello.", event_id=3),
        notes=("`agent_response`, `event_id` came beside `type`, not in `agent_response_event`",),
    )


def test_the_inner_object_may_be_null_or_lack_one_of_them() -> None:
    expected = AgentResponseEvent(agent_response="Hello.", event_id=3)
    flat = read(
        type="agent_response", agent_response_event=None, agent_response="Hello.", event_id=3
    )
    partly = read(
        type="agent_response", agent_response_event={"agent_response": "Hello."}, event_id=3
    )
    assert message_of(flat) == message_of(partly) == expected


def test_the_inner_object_may_be_a_text() -> None:
    result = read(type="agent_response", agent_response_event='{"agent_response": "Hello."}')
    assert message_of(result) == AgentResponseEvent(agent_response="Hello.")


def test_a_call_of_a_tool_may_be_flat() -> None:
    result = read(type="client_tool_call", tool_name="t", tool_call_id="c", parameters={"a": 1})
    assert message_of(result) == ClientToolCallEvent(
        tool_name="t", tool_call_id="c", parameters={"a": 1}
    )


@pytest.mark.parametrize("inner", ["now", 5, [], True])
def test_an_interruption_counts_whatever_comes_with_it(inner: Any) -> None:
    result = read(type="interruption", interruption_event=inner)
    assert message_of(result) == InterruptionEvent()
    assert "an object was expected" in result.notes[0]
    assert message_of(read(type="interruption", event_id="4")) == InterruptionEvent(event_id=4)


def test_an_error_as_the_contract_has_it_is_taken_as_it_is() -> None:
    event = ErrorEvent(
        code=1011, message="m", error_type="t", reason="r", debug_message="d", details={"a": 1}
    )
    assert decode_server_event(encode_server_event(event)) == event


QUOTA = "received 1002 (protocol error) This request exceeds your quota limit."


@pytest.mark.parametrize(
    "frame",
    [
        {"message": QUOTA},
        {"message": QUOTA, "error_event": None},
        {"message": QUOTA, "error_event": {}},
        {"error_event": QUOTA},
        {"error_event": {"message": QUOTA}},
        {"error": QUOTA},
        {"error": {"message": QUOTA}},
        {"error_event": None, "error": {"message": QUOTA}},
        {"detail": QUOTA},
        {"error": {"detail": QUOTA}},
    ],
    ids=str,
)
def test_the_message_of_an_error_is_found(frame: dict[str, Any]) -> None:
    assert error(**frame).message == QUOTA


@pytest.mark.parametrize("code", ["quota_exceeded", "1002", 1002])
@pytest.mark.parametrize("is_flat", [True, False])
def test_the_code_of_an_error_may_be_text(code: Any, is_flat: bool) -> None:
    fields = {"code": code, "message": "m"}
    assert error(**(fields if is_flat else {"error_event": fields})).code == code
    assert error(code=1002.0).code == 1002


def test_all_else_that_an_error_says_is_kept() -> None:
    event = error(
        message="m",
        code="c",
        status=429,
        details=["a", {"b": 1}],
        error_type={"name": "quota"},
        request_id="r",
    )
    assert event.details == ["a", {"b": 1}]
    assert event.other == {"status": 429, "error_type": {"name": "quota"}, "request_id": "r"}


def test_an_error_named_as_in_other_protocols_has_its_type() -> None:
    event = error(error={"type": "invalid_request_error", "message": "m", "param": None})
    assert event == ErrorEvent(
        message="m", error_type="invalid_request_error", other={"param": None}
    )


@pytest.mark.parametrize("frame", [{}, {"error_event": None}, {"error_event": {}}], ids=str)
def test_an_error_may_say_nothing(frame: dict[str, Any]) -> None:
    assert error(**frame) == ErrorEvent()


OPEN = [kind for kind in event_types() if kind.OPEN and kind.INNER_MAY_BE_MISSING]


@pytest.mark.parametrize("event_type", OPEN, ids=lambda it: it.TYPE)
def test_of_an_event_whose_fields_nobody_knows_all_is_kept(event_type: type[ServerEvent]) -> None:
    assert event_type.INNER is not None
    event = event_type(data={"event_id": 3, "more": {"a": [1]}})
    inner = {event_type.INNER: {"event_id": 3, "more": {"a": [1]}}}
    assert read(type=event_type.TYPE, **inner) == event
    flat = read(type=event_type.TYPE, event_id=3, more={"a": [1]})
    assert flat.message == event
    assert flat.notes == ("fields came beside `type`: 'event_id', 'more'",)
    assert read(type=event_type.TYPE) == read(type=event_type.TYPE, **{event_type.INNER: None})
    assert read(type=event_type.TYPE) == event_type()
