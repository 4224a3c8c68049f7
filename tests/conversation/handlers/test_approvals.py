from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest

from duologue import ApprovalUnavailable
from duologue.conversation import Conversation
from duologue.conversation.handlers import approvals as module
from duologue.conversation.handlers.approvals import ApprovalRunner
from duologue.dialogue.actions import Action, CancelApproval, Report, RequestApproval, Send
from duologue.dialogue.tools.approvals import Approvals
from duologue.protocol.client_messages import McpToolApprovalResult, UserActivity
from duologue.protocol.server_events import McpToolCallEvent
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Hanging, Log, eventually

State = Literal["loading", "awaiting_approval", "success", "failure"]


def mcp_call(
    call_id: str = "1", state: State = "awaiting_approval", timeout_s: float = 300
) -> McpToolCallEvent:
    return McpToolCallEvent(
        service_id="files",
        tool_call_id=call_id,
        tool_name="delete",
        parameters={},
        timestamp="2025-01-01T00:00:00Z",
        state=state,
        approval_timeout_secs=timeout_s,
    )


class Asking:
    """A runner with its ledger, what it has answered, and the errors it has reported."""

    def __init__(self, handler: Callable[[McpToolCallEvent], object]) -> None:
        self.answers: list[tuple[str, bool]] = []
        self.errors: list[str] = []
        self.ledger = Approvals(handler)
        self.runner = ApprovalRunner(self.ledger, threading.Lock(), self._carry_out, self._report)

    def receive(self, event: McpToolCallEvent) -> None:
        self._carry_out(self.ledger.called(event, 0.0))

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(McpToolApprovalResult() as message):
                    self.answers.append((message.tool_call_id, message.is_approved))
                case Report():
                    self._report(action)
                case RequestApproval():
                    self.runner.start(action)
                case CancelApproval(call_id):
                    self.runner.withdraw(call_id)

    def _report(self, report: Report) -> None:
        assert report.callback == "on_error"
        self.errors.append(str(report.arguments[0]))


@asynccontextmanager
async def asking(handler: Callable[[McpToolCallEvent], object]) -> AsyncIterator[Asking]:
    """A runner; leaving ends it, and no task is left."""
    before = asyncio.all_tasks()
    one = Asking(handler)
    yield one
    one.runner.end()
    await one.runner.close()
    await eventually(lambda: asyncio.all_tasks() <= before)


class Prompt:
    """An async handler that waits for a test to decide."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def __call__(self, event: McpToolCallEvent) -> bool:
        return await self.ask(event)

    async def ask(self, event: McpToolCallEvent) -> bool:
        self.begun.set()
        try:
            return await asyncio.shield(self.decision)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def test_an_async_handler_decides_in_the_loop() -> None:
    async def decide(event: McpToolCallEvent) -> bool:
        return event == mcp_call() and asyncio.get_running_loop() is loop

    loop = asyncio.get_running_loop()
    async with asking(decide) as one:
        one.receive(mcp_call())
        await eventually(lambda: one.answers == [("1", True)])
    assert one.errors == []


async def test_a_plain_handler_does_not_hold_the_loop() -> None:
    hanging = Hanging()

    def decide(event: McpToolCallEvent) -> bool:
        hanging()
        return False

    async with asking(decide) as one:
        one.receive(mcp_call())
        await eventually(hanging.entered.is_set)
        hanging.release()
        await eventually(lambda: one.answers == [("1", False)])
    assert one.errors == []


async def test_what_a_plain_handler_returns_is_awaited_and_can_be_cancelled() -> None:
    prompt = Prompt()
    async with asking(lambda event: prompt(event)) as one:
        one.receive(mcp_call("1"))
        await prompt.begun.wait()
        one.receive(mcp_call("1", "failure"))
        await prompt.cancelled.wait()
        prompt.decision.set_result(True)
        one.receive(mcp_call("2"))
        await eventually(lambda: one.answers == [("2", True)])
    assert one.errors == []


async def test_what_a_plain_handler_returns_too_late_is_not_begun() -> None:
    hanging, prompt = Hanging(), Prompt()

    def decide(event: McpToolCallEvent) -> Awaitable[bool]:
        hanging()
        return prompt(event)

    async with asking(decide) as one:
        one.receive(mcp_call())
        await eventually(hanging.entered.is_set)
        one.receive(mcp_call(state="loading"))
        before = len(asyncio.all_tasks())
        hanging.release()
        await eventually(lambda: len(asyncio.all_tasks()) < before)
    assert not prompt.begun.is_set()
    assert (one.answers, one.errors) == ([], [])


async def test_an_approval_that_is_withdrawn_at_once_asks_nobody() -> None:
    prompt = Prompt()
    async with asking(prompt.ask) as one:
        one.receive(mcp_call())
        one.receive(mcp_call(state="loading"))
        await asyncio.sleep(0.01)
    assert not prompt.begun.is_set()


async def test_an_async_handler_is_cancelled_once_nobody_wants_its_decision() -> None:
    prompt = Prompt()
    async with asking(prompt.ask) as one:
        one.receive(mcp_call())
        await prompt.begun.wait()
        one.receive(mcp_call(state="success"))
        await prompt.cancelled.wait()
    assert (one.answers, one.errors) == ([], [])


async def test_a_late_decision_of_a_plain_handler_is_dropped_and_told() -> None:
    hanging = Hanging()

    def decide(event: McpToolCallEvent) -> bool:
        hanging()
        return True

    async with asking(decide) as one:
        one.receive(mcp_call())
        await eventually(hanging.entered.is_set)
        one.receive(mcp_call(state="failure"))
        hanging.release()
        await eventually(lambda: one.errors)
    assert one.answers == []
    assert "dropped" in one.errors[0]


async def raise_value_error(event: McpToolCallEvent) -> bool:
    raise ValueError("no idea")


async def be_cancelled(event: McpToolCallEvent) -> bool:
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    future.cancel()
    return await future


async def say_yes(event: McpToolCallEvent) -> str:
    return "yes"


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (raise_value_error, "ValueError: no idea"),
        (be_cancelled, "cancelled from within"),
        (say_yes, "True or False, not str"),
        (lambda event: event.no_such_field, "AttributeError"),
        (lambda event: None, "True or False, not NoneType"),
        (lambda: True, "TypeError"),
    ],
)
async def test_a_handler_that_does_not_decide_denies_and_is_told(
    handler: Callable[..., object], words: str
) -> None:
    async with asking(handler) as one:
        one.receive(mcp_call())
        await eventually(lambda: one.answers and one.errors)
    assert one.answers == [("1", False)]
    [sentence] = one.errors
    assert words in sentence


async def test_decisions_come_as_handlers_decide() -> None:
    first = asyncio.Event()

    async def decide(event: McpToolCallEvent) -> bool:
        if event.tool_call_id == "1":
            await first.wait()
        first.set()
        return True

    async with asking(decide) as one:
        one.receive(mcp_call("1"))
        one.receive(mcp_call("2"))
        await eventually(lambda: len(one.answers) == 2)
    assert one.answers == [("2", True), ("1", True)]


async def test_what_more_is_asked_than_may_be_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDLERS_LIMIT", 1)
    hanging = Hanging()

    def decide(event: McpToolCallEvent) -> bool:
        hanging()
        return True

    async with asking(decide) as one:
        one.receive(mcp_call("1"))
        one.receive(mcp_call("2"))
        assert one.answers == [("2", False)]
        assert "being asked for already" in one.errors[0]
        hanging.release()
        await eventually(lambda: ("1", True) in one.answers)


async def test_the_end_cancels_handlers_and_answers_nothing() -> None:
    prompt = Prompt()
    async with asking(prompt.ask) as one:
        one.receive(mcp_call())
        await prompt.begun.wait()
        one.runner.end()
        await one.runner.close()
        assert prompt.cancelled.is_set()
    assert (one.answers, one.errors) == ([], [])


def started(agent: ScriptedAgent, log: Log, decide: Any = None) -> Any:
    """A written conversation with an agent; without a handler, it is answered by hand."""
    return Conversation.start_session(
        agent_id="a",
        origin=agent.origin,
        text_only=True,
        on_mcp_tool_approval_request=decide,
        **log.options("on_error", "on_mcp_tool_call"),
    )


def decisions(call: ScriptedCall) -> list[tuple[str, bool]]:
    return [
        (message.tool_call_id, message.is_approved)
        for message in call.received
        if isinstance(message, McpToolApprovalResult)
    ]


async def test_a_callers_handler_decides_on_mcp_tools() -> None:
    log = Log()

    def decide(event: McpToolCallEvent) -> bool:
        return event.tool_call_id == "1"

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        for call_id in ("1", "2"):
            await call.send(mcp_call(call_id, "loading"))
            await call.send(mcp_call(call_id))
            await call.receive(McpToolApprovalResult)
            await call.send(mcp_call(call_id, "success"))
        assert decisions(call) == [("1", True), ("2", False)]

    async with ScriptedAgent(script) as agent, started(agent, log, decide) as conversation:
        await conversation.wait_until_ended()
    states = [event.state for event in log.of("on_mcp_tool_call")]
    assert states == ["loading", "awaiting_approval", "success"] * 2
    assert log.of("on_error") == []


async def test_a_handler_whose_time_is_over_is_cancelled_and_nothing_is_answered() -> None:
    log, prompt = Log(), Prompt()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call(timeout_s=0.01))
        await call.receive(UserActivity)
        assert decisions(call) == []

    async with ScriptedAgent(script) as agent, started(agent, log, prompt.ask) as conversation:
        await eventually(lambda: log.of("on_error"))
        conversation.send_user_activity()
        await conversation.wait_until_ended()
    [error] = log.of("on_error")
    assert error.context == {"tool_call_id": "1", "tool_name": "delete", "service_id": "files"}
    assert prompt.cancelled.is_set() or not prompt.begun.is_set()


async def test_a_handler_is_cancelled_with_its_session() -> None:
    log, prompt = Log(), Prompt()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call())
        await call.receive_until_gone()
        assert decisions(call) == []

    async with ScriptedAgent(script) as agent:
        async with started(agent, log, prompt.ask):
            await prompt.begun.wait()
        assert prompt.cancelled.is_set()
    assert log.of("on_error") == []


async def test_a_decision_in_spite_of_the_end_is_dropped_and_told() -> None:
    log, prompt = Log(), Prompt()

    async def decide(event: McpToolCallEvent) -> bool:
        try:
            return await prompt.ask(event)
        except asyncio.CancelledError:
            return True

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call())
        await call.receive_until_gone()
        assert decisions(call) == []

    async with ScriptedAgent(script) as agent, started(agent, log, decide):
        await prompt.begun.wait()
    [error] = log.of("on_error")
    assert "the conversation has ended" in str(error)


async def test_a_handler_may_end_its_session() -> None:
    log = Log()

    async def hang_up(event: McpToolCallEvent) -> bool:
        await conversation.end_session()
        return True

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call())
        await call.receive_until_gone()
        assert decisions(call) == []

    async with ScriptedAgent(script) as agent:
        conversation = await started(agent, log, hang_up)
        assert (await conversation.wait_until_ended()).reason == "user"


async def test_an_answer_by_hand_takes_the_place_of_the_handlers() -> None:
    log, prompt = Log(), Prompt()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call())
        await call.receive(UserActivity)
        assert decisions(call) == [("1", False)]

    async with ScriptedAgent(script) as agent, started(agent, log, prompt.ask) as conversation:
        await prompt.begun.wait()
        await asyncio.to_thread(conversation.send_mcp_tool_approval_result, "1", False)
        await prompt.cancelled.wait()
        with pytest.raises(ApprovalUnavailable, match="answered already"):
            conversation.send_mcp_tool_approval_result("1", True)
        conversation.send_user_activity()
        await conversation.wait_until_ended()
    assert log.of("on_error") == []


async def test_of_many_threads_that_answer_one_does() -> None:
    log = Log()
    outcomes: list[str] = []

    async def decide(event: McpToolCallEvent) -> bool:
        await asyncio.to_thread(barrier.wait, 20)
        return True

    def answer() -> None:
        barrier.wait(20)
        try:
            conversation.send_mcp_tool_approval_result("1", True)
        except ApprovalUnavailable:
            outcomes.append("refused")
        else:
            outcomes.append("sent")

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call())
        await call.receive(UserActivity)
        assert len(decisions(call)) == 1

    barrier = threading.Barrier(9)
    async with ScriptedAgent(script) as agent, started(agent, log, decide) as conversation:
        threads = [threading.Thread(target=answer) for _ in range(8)]
        for thread in threads:
            thread.start()
        await eventually(lambda: len(outcomes) == 8)
        for thread in threads:
            thread.join()
        conversation.send_user_activity()
        await conversation.wait_until_ended()
    assert outcomes.count("sent") <= 1, "the handler may have been first"


async def test_without_a_handler_a_call_is_answered_by_hand_until_it_goes_on() -> None:
    log = Log()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(mcp_call("1"))
        await call.send(mcp_call("2"))
        await call.receive(McpToolApprovalResult)
        await call.send(mcp_call("2", "failure"))
        await call.receive(UserActivity)
        assert decisions(call) == [("1", True)]

    async with ScriptedAgent(script) as agent, started(agent, log) as conversation:
        await eventually(lambda: len(log.of("on_mcp_tool_call")) == 2)
        conversation.send_mcp_tool_approval_result("1", True)
        await eventually(lambda: len(log.of("on_mcp_tool_call")) == 3)
        with pytest.raises(ApprovalUnavailable, match="gone on"):
            conversation.send_mcp_tool_approval_result("2", True)
        conversation.send_user_activity()
        await conversation.wait_until_ended()
    assert log.of("on_error") == []
