from __future__ import annotations

import pytest

from duologue.dialogue.actions import End
from duologue.dialogue.ending import FAREWELL_LIMIT_MS, Ending
from duologue.dialogue.values import Disconnection
from duologue.protocol.server_events import (
    AgentToolResponseEvent,
    AgentToolResponseFullPayloadEvent,
    ErrorEvent,
)


def response(tool_name: str = "end_call", *, is_error: bool = False) -> AgentToolResponseEvent:
    return AgentToolResponseEvent(
        tool_name=tool_name,
        tool_call_id="call_1",
        tool_type="system",
        is_error=is_error,
        is_called=True,
        event_id=1,
    )


def test_hanging_up_in_silence_ends_at_once() -> None:
    [end] = Ending().tool_response(response(), 0.0, playing=False)
    assert isinstance(end, End)
    assert end.disconnection.reason == "agent"
    assert end.disconnection.context["type"] == "end_call"


def test_hanging_up_waits_until_the_last_words_were_heard() -> None:
    ending = Ending()
    assert ending.tool_response(response(), 100.0, playing=True) == []
    assert ending.tick(200.0) == []
    [end] = ending.played_out()
    assert isinstance(end, End)


def test_the_wait_for_the_last_words_is_limited() -> None:
    ending = Ending()
    ending.tool_response(response(), 100.0, playing=True)
    deadline_ms = 100.0 + FAREWELL_LIMIT_MS
    assert ending.next_deadline_ms == deadline_ms
    assert ending.tick(deadline_ms - 1) == []
    assert [type(action) for action in ending.tick(deadline_ms)] == [End]
    assert ending.next_deadline_ms is None


def test_a_tool_that_failed_to_hang_up_ends_nothing() -> None:
    ending = Ending()
    assert ending.tool_response(response(is_error=True), 0.0, playing=False) == []
    assert ending.next_deadline_ms is None


def test_another_tool_ends_nothing() -> None:
    assert Ending().tool_response(response("weather"), 0.0, playing=False) == []


def test_a_response_with_its_payload_hangs_up_as_well() -> None:
    event = AgentToolResponseFullPayloadEvent(
        tool_name="end_call",
        tool_call_id="call_1",
        tool_type="system",
        is_error=False,
        is_called=True,
        event_id=1,
        full_tool_result="{}",
    )
    assert [type(action) for action in Ending().tool_response(event, 0.0, playing=False)] == [End]


def test_silence_without_a_farewell_ends_nothing() -> None:
    assert Ending().played_out() == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (ErrorEvent(error_type="max_duration_exceeded", message="too long"), "too long"),
        (ErrorEvent(error_type="max_duration_exceeded", reason="10 min"), "10 min"),
        (
            ErrorEvent(error_type="max_duration_exceeded"),
            "the call reached its longest duration",
        ),
    ],
)
def test_the_longest_duration_ends_the_call_at_once(event: ErrorEvent, message: str) -> None:
    [end] = Ending().error(event, "what went wrong")
    assert isinstance(end, End)
    assert (end.disconnection.reason, end.disconnection.message) == ("error", message)
    assert end.disconnection.context == {"type": "max_duration_exceeded"}


def test_another_error_ends_nothing() -> None:
    assert Ending().error(ErrorEvent(error_type="llm_error"), "no model") == []


def closed(code: int = 1000) -> Disconnection:
    return Disconnection.by_close(code, None)


def test_a_regular_close_lets_the_last_words_be_heard_for_a_limited_time() -> None:
    ending = Ending()
    assert ending.closed(closed(), 1000.0, playing=True) == []
    assert ending.next_deadline_ms == 1000.0 + FAREWELL_LIMIT_MS
    assert ending.tick(1000.0 + FAREWELL_LIMIT_MS - 1) == []
    assert ending.tick(1000.0 + FAREWELL_LIMIT_MS) == [End(closed())]
    assert ending.next_deadline_ms is None


def test_a_regular_close_in_silence_ends_at_once() -> None:
    assert Ending().closed(closed(), 0.0, playing=False) == [End(closed())]


@pytest.mark.parametrize("code", [1001, 1002, 1005, 1006, 1008, 1011])
def test_any_other_close_ends_at_once(code: int) -> None:
    assert Ending().closed(closed(code), 0.0, playing=True) == [End(closed(code))]


def test_a_close_while_the_last_words_are_heard_keeps_their_limit() -> None:
    ending = Ending()
    assert ending.tool_response(response(), 0.0, playing=True) == []
    assert ending.closed(closed(), 5000.0, playing=True) == []
    assert ending.next_deadline_ms == FAREWELL_LIMIT_MS
    [end] = ending.played_out()
    assert isinstance(end, End)
    assert end.disconnection.context["type"] == "end_call"
    assert end.disconnection.close_code == 1000


def test_an_error_and_then_a_regular_close_is_an_error() -> None:
    ending = Ending()
    ending.error(ErrorEvent(), "no quota")
    [end] = ending.closed(closed(), 0.0, playing=True)
    assert isinstance(end, End)
    assert (end.disconnection.reason, end.disconnection.message) == ("error", "no quota")
    assert end.disconnection.close_code == 1000


def test_an_error_after_which_the_user_was_understood_ended_nothing() -> None:
    ending = Ending()
    ending.error(ErrorEvent(), "a hiccup")
    ending.went_on()
    assert ending.closed(closed(), 0.0, playing=False) == [End(closed())]
