"""Every way in which a session ends, as its callbacks tell it, over a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from duologue.conversation import Conversation, TextConversation
from duologue.dialogue.values import Disconnection, Mode
from duologue.protocol.client_messages import UserActivity
from duologue.protocol.server_events import AgentToolResponseEvent, AudioEvent, ErrorEvent
from duologue.testing import MemoryMicrophone, MemorySpeaker
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Log, eventually

LOST = "the connection to the server was lost"


async def close_regularly(call: ScriptedCall) -> None:
    await call.close(1000, "that was all")


async def close_with_an_error(call: ScriptedCall) -> None:
    await call.close(1011, "no model")


async def close_without_a_word(call: ScriptedCall) -> None:
    await call.close(1002)


async def vanish(call: ScriptedCall) -> None:
    call.vanish()


async def hang_up(call: ScriptedCall) -> None:
    await call.send(
        AgentToolResponseEvent(
            tool_name="end_call",
            tool_call_id="call_1",
            tool_type="system",
            is_error=False,
            is_called=True,
            event_id=1,
        )
    )
    await call.receive_until_gone()


async def time_is_up(call: ScriptedCall) -> None:
    await call.send(ErrorEvent(error_type="max_duration_exceeded", message="time is up"))
    await call.receive_until_gone()


ENDS: dict[str, tuple[Callable[[ScriptedCall], Awaitable[None]], Disconnection]] = {
    "a regular close": (
        close_regularly,
        Disconnection(
            reason="agent",
            close_code=1000,
            close_reason="that was all",
            context={"type": "close", "code": 1000, "reason": "that was all"},
        ),
    ),
    "a close with an error": (
        close_with_an_error,
        Disconnection(
            reason="error",
            message="no model",
            close_code=1011,
            close_reason="no model",
            context={"type": "close", "code": 1011, "reason": "no model"},
        ),
    ),
    "a close without a word": (
        close_without_a_word,
        Disconnection(
            reason="error",
            message="the server closed the connection with code 1002 and gave no reason",
            close_code=1002,
            context={"type": "close", "code": 1002},
        ),
    ),
    "no close at all": (
        vanish,
        Disconnection(
            reason="error", message=LOST, close_code=1006, context={"type": "close", "code": 1006}
        ),
    ),
    "the agent's tool": (
        hang_up,
        Disconnection(
            reason="agent",
            context={"type": "end_call", "reason": "the agent ended the call with its tool"},
        ),
    ),
    "the longest duration": (
        time_is_up,
        Disconnection(
            reason="error", message="time is up", context={"type": "max_duration_exceeded"}
        ),
    ),
}


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_is_told_once_with_its_cause(name: str) -> None:
    deed, expected = ENDS[name]

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserActivity)
        await deed(call)

    log = Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            **log.options("on_status_change", "on_error", "on_disconnect"),
        ) as conversation,
    ):
        conversation.send_user_activity()
        assert await conversation.wait_until_ended() == expected
        assert conversation.disconnection == expected
    assert log.calls == [
        ("on_status_change", "connecting"),
        ("on_status_change", "connected"),
        ("on_status_change", "disconnecting"),
        ("on_status_change", "disconnected"),
        ("on_disconnect", expected),
    ]


async def test_the_users_end_is_told_and_closes_regularly() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive_until_gone()

    log = Log()
    async with ScriptedAgent(script) as agent:
        conversation: TextConversation = await Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, **log.options("on_disconnect")
        )
        await conversation.end_session()
        assert not conversation.is_open()
    assert agent.calls[0].close_code == 1000
    assert log.calls == [("on_disconnect", Disconnection(reason="user"))]


@pytest.mark.parametrize("name", [*ENDS, "the user's own"])
async def test_after_the_end_the_agent_is_not_heard_and_that_was_told(name: str) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AudioEvent(audio=bytes(64_000), event_id=1))
        await call.receive(UserActivity)
        if name in ENDS:
            await ENDS[name][0](call)
        else:
            await call.receive_until_gone()

    log = Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            connection_type="websocket",
            microphone=MemoryMicrophone(),
            speaker=MemorySpeaker(),
            **log.options("on_mode_change", "on_disconnect"),
        ) as conversation,
    ):
        await eventually(lambda: conversation.mode is Mode.SPEAKING)
        conversation.send_user_activity()
        if name not in ENDS:
            await conversation.end_session()
        await conversation.wait_until_ended()
        assert conversation.mode is Mode.LISTENING
    told = [name if name == "on_disconnect" else value for name, value in log.calls]
    assert told == [Mode.SPEAKING, Mode.LISTENING, "on_disconnect"]


async def test_an_on_disconnect_that_raises_does_not_make_the_end_fail() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive_until_gone()

    def fail(disconnection: Disconnection) -> None:
        raise ValueError("not saved")

    log = Log()
    async with ScriptedAgent(script) as agent:
        conversation: TextConversation = await Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            on_disconnect=fail,
            **log.options("on_error"),
        )
        await conversation.end_session()
    [error] = log.of("on_error")
    assert str(error) == "the callback on_disconnect raised ValueError: not saved"
