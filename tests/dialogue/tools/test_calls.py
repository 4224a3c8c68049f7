from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from duologue.dialogue.actions import Action, CallTool, Report, Send
from duologue.dialogue.tools.calls import (
    DONE_WITHOUT_RESULT,
    ToolCalls,
    raised,
    returned,
    text_of,
    unreadable,
)
from duologue.dialogue.tools.registry import ClientTool
from duologue.dialogue.tools.signature import Arguments
from duologue.dialogue.values import ErrorReport
from duologue.errors import ToolError
from duologue.protocol.client_messages import ClientToolResult
from duologue.protocol.codec import MalformedEvent
from duologue.protocol.server_events import ClientToolCallEvent


def get_weather(city: str) -> str:
    return f"It is sunny in {city}."


WEATHER = ClientTool.of("weather", get_weather)


@dataclass
class Forecast:
    degrees: int


def call(name: str = "weather", **parameters: Any) -> ClientToolCallEvent:
    return ClientToolCallEvent(
        tool_name=name, tool_call_id="call_1", parameters=parameters, event_id=1
    )


def failure(actions: list[Action]) -> str:
    """The sentence of a failure, which agent and caller are told alike."""
    match actions:
        case [Send(ClientToolResult() as result), Report("on_error", (error,))]:
            assert (result.tool_call_id, result.is_error) == ("call_1", True)
            assert str(error) == result.result
            assert vars(error)["context"]["client_tool_name"] == "weather"
            return str(error)
    raise AssertionError(f"no failure: {actions}")


def test_a_call_of_a_known_tool_is_to_be_made() -> None:
    event = call(city="Lyon")
    assert ToolCalls({"weather": WEATHER}).called(event) == [
        CallTool(event=event, tool=WEATHER, arguments=Arguments(by_name={"city": "Lyon"}))
    ]


def test_a_call_with_wrong_parameters_is_a_failure_of_the_tool() -> None:
    calls = ToolCalls({"weather": WEATHER}, reports_unknown=True)
    assert failure(calls.called(call(town="Lyon"))) == (
        "the client tool 'weather' was called wrongly: the parameter 'city' is missing"
    )


def test_a_call_without_parameters_is_made_without_any() -> None:
    tool = ClientTool.of("weather", lambda: "sunny")
    event = ClientToolCallEvent(tool_name="weather", tool_call_id="call_1", event_id=1)
    assert ToolCalls({"weather": tool}).called(event) == [
        CallTool(event=event, tool=tool, arguments=Arguments())
    ]
    [send, _] = ToolCalls({"weather": WEATHER}).called(event)
    assert isinstance(send, Send), "this one needs a city"


def test_a_call_that_cannot_be_read_is_a_failure_if_it_can_be_answered() -> None:
    event = MalformedEvent(reason="no object", frame="{", tool_call_id="call_1")
    sentence = "this call of a client tool cannot be read: no object"
    [send, report] = unreadable(event)
    assert send == Send(ClientToolResult(tool_call_id="call_1", result=sentence, is_error=True))
    assert report == Report.of(
        "on_error", ErrorReport(message=sentence, context={"tool_call_id": "call_1"})
    )
    assert unreadable(MalformedEvent(reason="no object", frame="{")) == []


def test_an_unknown_tool_is_a_failure() -> None:
    assert failure(ToolCalls().called(call())) == "this client has no tool named 'weather'"


def test_a_caller_who_asks_for_unknown_calls_answers_them() -> None:
    calls = ToolCalls({"time": ClientTool.of("time", get_weather)}, reports_unknown=True)
    event = call()
    assert calls.called(event) == [Report.of("on_unhandled_client_tool_call", event)]


@pytest.mark.parametrize("name", ["get", "items", "__class__", "__proto__", ""])
def test_tools_are_found_by_their_own_names_only(name: str) -> None:
    [send, _] = ToolCalls({"weather": WEATHER}).called(call(name))
    assert isinstance(send, Send)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, DONE_WITHOUT_RESULT),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ("", ""),
        ("sunny", "sunny"),
        ({"degrees": 21, "wind": None}, '{"degrees":21,"wind":null}'),
        ([1, "é"], '[1,"é"]'),
        ((1, 2), "[1,2]"),
        ({}, "{}"),
        ({7}, "[7]"),
        (Forecast(degrees=21), '{"degrees":21}'),
        (Forecast, str(Forecast)),
    ],
)
def test_a_result_becomes_text(result: object, text: str) -> None:
    assert text_of(result) == text
    assert returned(call(), result) == [
        Send(ClientToolResult(tool_call_id="call_1", result=text, is_error=False))
    ]


class Unwritable:
    def __str__(self) -> str:
        raise ZeroDivisionError("no text")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize("result", [{"a": object()}, "\ud800", ["\ud800"], Unwritable(), CIRCLE])
def test_a_result_that_cannot_be_text_is_a_failure(result: object) -> None:
    assert failure(returned(call(), result)).startswith(
        "the result of the client tool 'weather' cannot be sent: "
    )


def test_an_exception_is_a_failure_with_its_words() -> None:
    error = ValueError("no such city: \ud800")
    actions = raised(call(), error)
    assert failure(actions) == ("the client tool 'weather' failed with ValueError: no such city: ?")
    [_, report] = actions
    assert isinstance(report, Report)
    assert vars(report.arguments[0])["context"]["exception"] is error


def test_what_a_tool_says_by_its_own_error_is_for_the_agent_alone() -> None:
    assert raised(call(), ToolError("There is no city named \ud800.")) == [
        Send(
            ClientToolResult(
                tool_call_id="call_1", result="There is no city named ?.", is_error=True
            )
        )
    ]
