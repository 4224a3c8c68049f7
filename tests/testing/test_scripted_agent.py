from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from duologue.protocol.client_messages import (
    ConversationInitiation,
    Pong,
    UserAudioChunk,
    UserMessage,
)
from duologue.protocol.codec import (
    MalformedEvent,
    decode_server_event,
    encode_client_message,
)
from duologue.protocol.server_events import PingEvent
from duologue.testing.script import Begin, Close, Expect, Say, ScriptFailed
from duologue.testing.scripted_agent import ScriptedAgent
from duologue.testing.scripted_call import DEFAULT_METADATA, ClientGone, ScriptedCall

INITIATION = ConversationInitiation(user_id="u")


@contextlib.asynccontextmanager
async def client_of(
    agent: ScriptedAgent,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse[bool]]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            f"{agent.origin}/v1/convai/conversation?agent_id=a", protocols=("convai", "bearer.x")
        ) as socket,
    ):
        yield socket


async def test_a_call_is_what_its_script_says() -> None:
    async def script(call: ScriptedCall) -> None:
        assert await call.begin() == INITIATION
        message = await call.receive(UserMessage)
        assert message.text == "Hello"
        await call.close(1008, "enough")

    async with ScriptedAgent(script) as agent, client_of(agent) as socket:
        await socket.send_str(encode_client_message(INITIATION))
        assert decode_server_event(await socket.receive_str()) == DEFAULT_METADATA
        await socket.send_str(encode_client_message(UserAudioChunk(audio=b"\x00")))
        await socket.send_str(encode_client_message(UserMessage(text="Hello")))
        closing = await socket.receive()
        assert (closing.data, closing.extra) == (1008, "enough")
        [call] = agent.calls
        assert call.query == {"agent_id": "a"}
        assert call.subprotocols == ["convai", "bearer.x"]
        assert call.received == [
            INITIATION,
            UserAudioChunk(audio=b"\x00"),
            UserMessage(text="Hello"),
        ]


async def test_steps_are_taken_one_after_another() -> None:
    steps = [Begin(), Expect(UserMessage(text="Hello")), Say(PingEvent(event_id=1)), Close(1008)]
    async with ScriptedAgent(steps) as agent, client_of(agent) as socket:
        await socket.send_str(encode_client_message(INITIATION))
        assert decode_server_event(await socket.receive_str()) == DEFAULT_METADATA
        await socket.send_str(encode_client_message(UserMessage(text="Hello")))
        assert decode_server_event(await socket.receive_str()) == PingEvent(event_id=1)
        assert (await socket.receive()).data == 1008


async def test_a_script_that_returns_ends_the_call_regularly() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame("as it is")
        await call.send_frame(b"\xff")

    async with ScriptedAgent(script) as agent, client_of(agent) as socket:
        assert await socket.receive_str() == "as it is"
        assert await socket.receive_bytes() == b"\xff"
        assert (await socket.receive()).data == 1000


async def test_what_a_script_raises_is_raised_at_the_end() -> None:
    async def script(call: ScriptedCall) -> None:
        raise AssertionError("not what I expected")

    with pytest.raises(AssertionError, match="not what I expected"):
        async with ScriptedAgent(script) as agent, client_of(agent) as socket:
            await socket.receive()


async def test_what_the_test_raises_itself_comes_first() -> None:
    async def script(call: ScriptedCall) -> None:
        raise AssertionError("of the script")

    async def disappointing_test() -> None:
        async with ScriptedAgent(script) as agent, client_of(agent) as socket:
            await socket.receive()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await disappointing_test()


async def test_a_message_that_does_not_come_fails_the_script() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.receive(Pong, within=0.02)

    with pytest.raises(TimeoutError):
        async with ScriptedAgent(script) as agent, client_of(agent) as socket:
            await socket.receive()


async def test_what_is_still_expected_when_the_agent_is_left_is_raised() -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(ScriptFailed, match="the agent was stopped before it came"):
            async with ScriptedAgent([Expect(UserMessage)]) as agent:
                socket = await http.ws_connect(f"{agent.origin}/v1/convai/conversation")
        await socket.close()


async def test_a_client_that_hangs_up_ends_the_script_without_a_failure() -> None:
    reached: list[str] = []

    async def script(call: ScriptedCall) -> None:
        try:
            await call.receive(Pong)
        except ClientGone:
            reached.append("gone")
            raise

    async with ScriptedAgent(script) as agent:
        async with client_of(agent):
            pass
        await asyncio.sleep(0.01)
        await agent.calls[0].send(PingEvent(event_id=1))  # nobody is there, and nothing happens
    assert reached == ["gone"]


async def test_garbage_of_a_client_is_kept_as_such() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.receive_until_gone()

    async with ScriptedAgent(script) as agent, client_of(agent) as socket:
        await socket.send_str("{")
    assert [type(message) for message in agent.calls[0].received] == [MalformedEvent]
    assert agent.calls[0].close_code == 1000


async def test_an_agent_that_vanishes_sends_no_close_frame() -> None:
    async def script(call: ScriptedCall) -> None:
        call.vanish()

    async with ScriptedAgent(script) as agent, client_of(agent) as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSED


async def test_every_client_is_played_the_script() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame("hello")

    async with ScriptedAgent(script) as agent:
        for _ in range(2):
            async with client_of(agent) as socket:
                assert await socket.receive_str() == "hello"
        assert len(agent.calls) == 2
