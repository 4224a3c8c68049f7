from __future__ import annotations

import asyncio

import pytest

from duologue import Conversation, SessionConnectionError
from duologue.protocol.client_messages import ConversationInitiation, Pong, UserMessage
from duologue.protocol.server_events import PingEvent
from duologue.testing.memory_agent import MemoryAgent
from duologue.testing.script import Begin, Close, Expect, Listen, Say, ScriptFailed, Wait
from duologue.testing.scripted_call import ScriptedCall
from duologue.testing.virtual_clock import VirtualClock


async def test_a_client_is_played_the_script_without_a_socket() -> None:
    script = [
        Begin(),
        Say(PingEvent(event_id=7)),
        Expect(Pong(event_id=7)),
        Expect(UserMessage(text="Hello")),
        Close(1008, "enough"),
    ]
    pinged = asyncio.Event()
    async with (
        MemoryAgent(script) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, on_ping=lambda ping: pinged.set()
        ) as conversation,
    ):
        await pinged.wait()
        conversation.send_user_message("Hello")
        disconnection = await conversation.wait_until_ended()
    assert (disconnection.close_code, disconnection.close_reason) == (1008, "enough")
    [call] = agent.calls
    assert call.query["agent_id"] == "a"
    assert call.close_code == 1008
    assert [type(message) for message in call.received] == [
        ConversationInitiation,
        Pong,
        UserMessage,
    ]


async def test_every_client_is_played_the_script() -> None:
    async with MemoryAgent([Begin(), Expect(UserMessage(text="Hello"))]) as agent:
        for _ in range(2):
            async with Conversation.start_session(
                agent_id="a", origin=agent.origin, text_only=True
            ) as conversation:
                conversation.send_user_message("Hello")
                assert (await conversation.wait_until_ended()).reason == "agent"
    assert len(agent.calls) == 2


async def test_what_the_script_expected_in_vain_is_raised_at_the_end() -> None:
    with pytest.raises(ScriptFailed, match=r"step 2 of 2.*the client closed the connection"):
        async with (
            MemoryAgent([Begin(), Expect(UserMessage)]) as agent,
            Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True),
        ):
            pass


def test_what_is_still_expected_when_the_agent_is_left_is_raised() -> None:
    async def leave() -> None:
        async with MemoryAgent([Begin(), Expect(UserMessage, within=3600)]) as agent:
            conversation = await Conversation.start_session(
                agent_id="a", origin=agent.origin, text_only=True
            )
            assert conversation.is_open()

    with pytest.raises(ScriptFailed, match=r"step 2 of 2.*the agent was stopped before it came"):
        VirtualClock().run(leave())


async def test_what_the_test_raises_itself_comes_first() -> None:
    with pytest.raises(ZeroDivisionError):
        async with (
            MemoryAgent([Begin(), Expect(UserMessage)]) as agent,
            Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True),
        ):
            raise ZeroDivisionError


def test_a_call_that_goes_on_is_broken_off_at_the_end() -> None:
    async def talk() -> tuple[str, int | None]:
        async with MemoryAgent([Begin(), Wait(3600), Listen()]) as agent:
            conversation = await Conversation.start_session(
                agent_id="a", origin=agent.origin, text_only=True
            )
        disconnection = await conversation.wait_until_ended()
        return disconnection.reason, disconnection.close_code

    clock = VirtualClock()
    assert clock.run(talk()) == ("error", 1006)
    assert clock.now() < 3600


async def test_an_agent_that_has_gone_cannot_be_called() -> None:
    async with MemoryAgent([Begin()]) as agent:
        pass
    with pytest.raises(SessionConnectionError, match="is its `async with` block still open"):
        await Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True)


async def test_a_script_may_be_a_function() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive_until_gone()

    async with (
        MemoryAgent(script) as agent,
        Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True),
    ):
        pass
    assert agent.calls[0].close_code == 1000
