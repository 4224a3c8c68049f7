"""Scenarios of what is asked and answered: ratings and the client's tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from duologue.dialogue.values import ErrorReport
from duologue.protocol.client_messages import ClientToolResult, Feedback
from duologue.protocol.server_events import ClientToolCallEvent
from tests.scenarios.endings import NOT_RATEABLE
from tests.scenarios.scenario import Answers, Moment, Rates, Scenario
from tests.scenarios.turns import RATEABLE, asked, said

FAILURE = "the client tool 'fail' failed with NoNetwork: no network"
WRONG = "the client tool 'get_weather' was called wrongly: the parameter 'days' is wrong: "
WRONG += "Expected `int`, got `str`"
MISSING = "this client has no tool named 'sing'"


class NoNetwork(Exception):
    """What a tool raises; one is as good as another, so that what is expected can name it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoNetwork)

    __hash__ = Exception.__hash__


def get_weather(city: str, days: int = 1) -> dict[str, object]:
    return {"city": city, "days": days}


async def get_time() -> str:
    return "noon"


def fail() -> NoReturn:
    raise NoNetwork("no network")


TOOLS: dict[str, Callable[..., object]] = {
    "get_weather": get_weather,
    "get_time": get_time,
    "fail": fail,
}


def call(tool_name: str, **parameters: object) -> ClientToolCallEvent:
    """The agent calls a tool."""
    return ClientToolCallEvent(
        tool_name=tool_name, tool_call_id=f"call_{tool_name}", parameters=parameters, event_id=1
    )


def answer(tool_name: str, result: str, *, is_error: bool = False) -> ClientToolResult:
    """What the agent is told of that call."""
    return ClientToolResult(tool_call_id=f"call_{tool_name}", result=result, is_error=is_error)


def failed(event: ClientToolCallEvent, sentence: str, **context: object) -> Moment:
    """A call that fails is told to the agent and to the caller."""
    context = {"client_tool_name": event.tool_name, **context}
    return Moment(
        event,
        (("on_error", ErrorReport(message=sentence, context=context)),),
        (answer(event.tool_name, sentence, is_error=True),),
    )


def like(event_id: int) -> Feedback:
    return Feedback(event_id=event_id, score="like")


FIRST = Moment(said("One.", 1).happening, (*said("One.", 1).reports, RATEABLE))
SECOND = Moment(said("Two.", 2).happening, (*said("Two.", 2).reports, RATEABLE))

SCENARIOS = {
    "ratings": Scenario(
        text_only=True,
        moments=(
            Moment(Rates(True, refused=True)),
            FIRST,
            Moment(Rates(True), (NOT_RATEABLE,), (like(1),)),
            Moment(Rates(False, refused=True)),
            asked("And then?", 2),
            SECOND,
            Moment(Rates(True, event_id=1), (), (like(1),)),
            Moment(Rates(False), (NOT_RATEABLE,), (Feedback(event_id=2, score="dislike"),)),
            Moment(Rates(None), (RATEABLE,), (Feedback(event_id=2, score=None),)),
        ),
    ),
    "client tools": Scenario(
        tools=TOOLS,
        moments=(
            Moment(
                call("get_weather", city="Lyon", days=2),
                sends=(answer("get_weather", '{"city":"Lyon","days":2}'),),
            ),
            Moment(call("get_time"), sends=(answer("get_time", "noon"),)),
            failed(call("fail"), FAILURE, exception=NoNetwork()),
            failed(call("get_weather", city="Lyon", days="two"), WRONG),
            failed(call("sing"), MISSING),
        ),
    ),
    "a tool that the program answers by itself": Scenario(
        tools=TOOLS,
        answers_unknown_tools=True,
        moments=(
            Moment(call("sing"), (("on_unhandled_client_tool_call", call("sing")),)),
            Moment(Answers("call_sing", {"notes": 3}), sends=(answer("sing", '{"notes":3}'),)),
        ),
    ),
}
