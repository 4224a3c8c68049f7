from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from duologue.conversation import Conversation
from duologue.conversation.handlers import calling
from duologue.conversation.handlers import tools as module
from duologue.conversation.handlers.tools import ToolRunner
from duologue.dialogue.actions import CallTool, Send
from duologue.dialogue.tools.calls import ToolCalls
from duologue.dialogue.tools.registry import ClientTool, ClientTools
from duologue.errors import ToolError
from duologue.protocol.client_messages import ClientToolResult
from duologue.protocol.server_events import ClientToolCallEvent
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Hanging, Log, eventually

Results = list[tuple[str, str, bool]]


def call_of(function: Callable[..., object], call_id: str = "1", timeout: float = 5) -> CallTool:
    tools = ToolCalls({"tool": ClientTool.of("tool", function, timeout)})
    [call] = tools.called(
        ClientToolCallEvent(tool_name="tool", tool_call_id=call_id, parameters={}, event_id=1)
    )
    assert isinstance(call, CallTool)
    return call


@asynccontextmanager
async def running() -> AsyncIterator[tuple[ToolRunner, Results]]:
    """A runner and what was sent of its results; leaving closes it, and no task is left."""
    before = asyncio.all_tasks()
    results: Results = []

    def carry_out(actions: list[Any]) -> None:
        for action in actions:
            if isinstance(action, Send) and isinstance(action.message, ClientToolResult):
                message = action.message
                results.append((message.tool_call_id, message.result, message.is_error))

    runner = ToolRunner(carry_out)
    yield runner, results
    await runner.close()
    await eventually(lambda: asyncio.all_tasks() <= before)


async def test_a_plain_tool_does_not_hold_the_loop() -> None:
    hanging = Hanging()

    def tool() -> str:
        hanging()
        return "done"

    async with running() as (runner, results):
        runner.start(call_of(tool))
        await eventually(hanging.entered.is_set)
        hanging.release()
        await eventually(lambda: results == [("1", "done", False)])


async def test_an_async_tool_runs_in_the_loop() -> None:
    async def tool() -> bool:
        return asyncio.get_running_loop() is loop

    loop = asyncio.get_running_loop()
    async with running() as (runner, results):
        runner.start(call_of(tool))
        await eventually(lambda: results == [("1", "true", False)])


async def test_what_a_plain_tool_returns_is_awaited_if_it_can_be() -> None:
    async def answer() -> int:
        return 42

    async with running() as (runner, results):
        runner.start(call_of(lambda: answer()))
        await eventually(lambda: results == [("1", "42", False)])


async def test_answers_come_as_tools_finish() -> None:
    first = asyncio.Event()

    async def slow() -> str:
        await first.wait()
        return "slow"

    async def quick() -> str:
        first.set()
        return "quick"

    async with running() as (runner, results):
        runner.start(call_of(slow, "1"))
        runner.start(call_of(quick, "2"))
        await eventually(lambda: len(results) == 2)
    assert results == [("2", "quick", False), ("1", "slow", False)]


def raise_stop_iteration() -> None:
    next(iter([]))


def leave() -> None:
    raise SystemExit(3)


async def raise_value_error() -> None:
    raise ValueError("no")


async def raise_time_out() -> None:
    raise TimeoutError("of its own")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (raise_value_error, "ValueError: no"),
        (raise_time_out, "TimeoutError: of its own"),
        (raise_stop_iteration, "StopIteration"),
        (leave, "SystemExit: 3"),
        (lambda: 1 // 0, "ZeroDivisionError"),
    ],
)
async def test_a_tool_that_raises_is_a_failed_call(
    function: Callable[..., object], words: str
) -> None:
    async with running() as (runner, results):
        runner.start(call_of(function))
        await eventually(lambda: results)
    [(_, sentence, is_error)] = results
    assert is_error
    assert words in sentence


async def test_a_failure_that_a_tool_expects_is_told_without_a_word_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def tool() -> None:
        raise ToolError("All tickets are sold.")

    async with running() as (runner, results):
        runner.start(call_of(tool))
        await eventually(lambda: results == [("1", "All tickets are sold.", True)])
    assert not caplog.records


async def test_a_tool_that_is_cancelled_from_within_is_a_failed_call() -> None:
    async def tool() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with running() as (runner, results):
        runner.start(call_of(tool))
        await eventually(lambda: results == [("1", "the client tool 'tool' was cancelled", True)])


async def test_an_async_tool_that_takes_too_long_is_cancelled_and_answered() -> None:
    cancelled = asyncio.Event()

    async def tool() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with running() as (runner, results):
        runner.start(call_of(tool, timeout=0.01))
        await eventually(lambda: results)
        assert results == [("1", "the client tool 'tool' did not finish within 0.01 s", True)]
        await eventually(cancelled.is_set)


async def test_a_plain_tool_that_takes_too_long_is_answered_once() -> None:
    hanging = Hanging()
    before = set(threading.enumerate())
    async with running() as (runner, results):
        runner.start(call_of(hanging, timeout=0.01))
        await eventually(lambda: results)
        hanging.release()
        await eventually(lambda: set(threading.enumerate()) <= before)
        await asyncio.sleep(0.01)
    assert len(results) == 1


async def test_no_more_run_at_once_than_may_even_if_they_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CALLS_LIMIT", 1)
    hanging = Hanging()
    async with running() as (runner, results):
        runner.start(call_of(hanging, "1", timeout=0.01))
        runner.start(call_of(lambda: "done", "2"))
        await eventually(lambda: len(results) == 2)
        runner.start(call_of(lambda: "done", "3"))
        assert [call_id for call_id, _, is_error in results if is_error] == ["2", "1", "3"]
        assert "running already" in results[0][1]
        hanging.release()

        def third_time() -> bool:
            runner.start(call_of(lambda: "done", "4"))
            return ("4", "done", False) in results

        await eventually(third_time)


async def test_closing_cancels_what_runs_and_answers_nothing() -> None:
    begun, cleaned_up = asyncio.Event(), asyncio.Event()

    async def tool() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned_up.set()

    async with running() as (runner, results):
        runner.start(call_of(tool))
        await begun.wait()
        await runner.close()
        assert cleaned_up.is_set()
    assert results == []


async def test_closing_does_not_wait_for_a_tool_that_will_not_be_stopped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(calling, "CANCELLING_LIMIT_S", 0.01)
    released = asyncio.Event()

    async def tool() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    async with running() as (runner, results):
        runner.start(call_of(tool))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await runner.close()
        assert "1 client tools have not ended" in caplog.text
        released.set()
    assert results == []


def event_of(name: str, call_id: str, **parameters: Any) -> ClientToolCallEvent:
    return ClientToolCallEvent(
        tool_name=name, tool_call_id=call_id, parameters=parameters, event_id=1
    )


async def test_an_agent_calls_the_clients_tools() -> None:
    tools = ClientTools()
    log = Log()

    @tools.tool()
    def get_weather(city: str, days: int = 1) -> dict[str, Any]:
        return {"city": city, "days": days, "sky": "blue"}

    @tools.tool(timeout=5)
    async def get_time() -> str:
        return "noon"

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        results = []
        for event in (
            event_of("get_weather", "1", city="Lyon"),
            event_of("get_time", "2"),
            event_of("get_weather", "3", town="Lyon"),
            event_of("get_moon", "4"),
        ):
            await call.send(event)
            results.append(await call.receive(ClientToolResult))
        assert [(result.tool_call_id, result.is_error) for result in results] == [
            ("1", False),
            ("2", False),
            ("3", True),
            ("4", True),
        ]
        assert results[0].result == '{"city":"Lyon","days":1,"sky":"blue"}'
        assert results[1].result == "noon"

    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            client_tools=tools,
            **log.options("on_error"),
        ) as conversation,
    ):
        await conversation.wait_until_ended()
    assert [error.context["client_tool_name"] for error in log.of("on_error")] == [
        "get_weather",
        "get_moon",
    ]


async def test_a_call_is_answered_whatever_its_parameters_are() -> None:
    log = Log()

    def frame(call_id: str, parameters: str) -> str:
        head = f'"tool_name": "get_time", "tool_call_id": "{call_id}", "event_id": 1'
        return f'{{"type": "client_tool_call", "client_tool_call": {{{head}{parameters}}}}}'

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        results = []
        for call_id, parameters in (
            ("1", ""),
            ("2", ', "parameters": null'),
            ("3", ', "parameters": {}'),
            ("4", ', "parameters": ["now"]'),
        ):
            await call.send_frame(frame(call_id, parameters))
            results.append(await call.receive(ClientToolResult))
        assert [result.tool_call_id for result in results] == ["1", "2", "3", "4"]
        assert [result.result for result in results[:3]] == ["noon"] * 3
        assert results[3].is_error
        assert "an object was expected, and ['now'] came" in results[3].result

    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            client_tools={"get_time": lambda: "noon"},
            **log.options("on_error", "on_debug"),
        ) as conversation,
    ):
        await conversation.wait_until_ended()
    assert log.names == ["on_debug", "on_error"]


async def test_a_caller_may_answer_for_tools_that_it_does_not_have() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(event_of("get_moon", "1"))
        result = await call.receive(ClientToolResult)
        assert (result.tool_call_id, result.result, result.is_error) == ("1", "full", False)

    async with ScriptedAgent(script) as agent:

        def answer(event: ClientToolCallEvent) -> None:
            conversation.send_client_tool_result(event.tool_call_id, "full")

        conversation = await Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            on_unhandled_client_tool_call=answer,
        )
        assert (await conversation.wait_until_ended()).reason == "agent"


async def test_a_tool_is_cancelled_with_its_session() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(event_of("wait", "1"))
        await call.receive_until_gone()
        assert not [one for one in call.received if isinstance(one, ClientToolResult)]

    async with ScriptedAgent(script) as agent:
        async with Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, client_tools={"wait": wait}
        ):
            await begun.wait()
        assert cancelled.is_set()


async def test_a_tool_may_end_its_session() -> None:
    async def hang_up() -> None:
        await conversation.end_session()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(event_of("hang_up", "1"))
        await call.receive_until_gone()

    async with ScriptedAgent(script) as agent:
        conversation = await Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, client_tools={"hang_up": hang_up}
        )
        assert (await conversation.wait_until_ended()).reason == "user"
