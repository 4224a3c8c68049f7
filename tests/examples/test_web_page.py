"""`examples/web_page`, with the test as the page."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator

import aiohttp
import numpy as np
import pytest

from duologue.audio.samples import samples_from_bytes
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import AgentResponseEvent, InterruptionEvent
from duologue.testing import ScriptedAgent, ScriptedCall, ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import said
from tests.examples.runner import RunningExample, running

RATE_HZ = 16_000
PIECE = RATE_HZ // 50

Socket = aiohttp.ClientWebSocketResponse[bool]


@contextlib.asynccontextmanager
async def page(
    example: RunningExample, *, rate: int = RATE_HZ, origin: str | None = None
) -> AsyncIterator[Socket]:
    """The page's connection to its server."""
    found = re.search(r"http://127\.0\.0\.1:\d+", await example.says("running on"))
    assert found
    headers = {"Origin": origin or found[0]}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{found[0]}/talk?rate={rate}", headers=headers) as socket,
    ):
        yield socket


def serving_page(
    agent_id: str, origin: str
) -> contextlib.AbstractAsyncContextManager[RunningExample]:
    return running("web_page/server.py", agent_id, "--origin", origin, "--port", "0")


async def say(socket: Socket, sound: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    """Send sound as a page does, 20 ms every 20 ms."""
    began_s = time.monotonic()
    for number, at in enumerate(range(0, len(sound), PIECE), start=1):
        await socket.send_bytes(sound[at : at + PIECE].tobytes())
        await asyncio.sleep(max(0.0, began_s + number * 0.02 - time.monotonic()))


async def next_text(socket: Socket) -> object:
    """The next message that is no sound."""
    async with asyncio.timeout(20):
        while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
        return message.json()


async def test_a_visitor_is_understood_and_hears_the_answer() -> None:
    speech = ScriptedSpeech(transcripts=["Is anybody there?"], replies=["Yes, I am here."])
    async with (
        serving(speech, define()) as origin,
        serving_page("test", origin) as example,
        page(example) as socket,
    ):
        speaking = asyncio.create_task(say(socket, said(1.5, quiet_s=4.0)))
        assert await next_text(socket) == {"role": "user", "text": "Is anybody there?"}
        assert await next_text(socket) == {"role": "agent", "text": "Yes, I am here."}
        async with asyncio.timeout(10):
            while np.abs(samples_from_bytes(await socket.receive_bytes())).max() < 1000:
                pass
        await speaking
        await socket.close()
        example.interrupt()
        await example.ends()
        assert "Traceback" not in example.output


async def test_an_interrupted_agent_is_silent_in_the_page_too() -> None:
    async def be_interrupted(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.send(InterruptionEvent(event_id=1))
        await call.receive_until_gone()

    async with (
        ScriptedAgent(be_interrupted) as agent,
        serving_page("default", agent.origin) as example,
        page(example, rate=48_000) as socket,
    ):
        speaking = asyncio.create_task(say(socket, said(1.0)))
        assert await next_text(socket) == {"clear": True}
        await speaking


async def test_the_connection_ends_with_the_conversation() -> None:
    async def greet_and_leave(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.send(AgentResponseEvent(agent_response="Goodbye.", event_id=1))
        await call.close(1000)

    async with (
        ScriptedAgent(greet_and_leave) as agent,
        serving_page("default", agent.origin) as example,
        page(example) as socket,
    ):
        await socket.send_bytes(bytes(4 * PIECE))
        assert await next_text(socket) == {"role": "agent", "text": "Goodbye."}
        async with asyncio.timeout(10):
            while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                pass
        assert socket.close_code == 1000


async def test_an_agent_that_is_not_there_is_told() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        serving_page("nobody", origin) as example,
        page(example) as socket,
    ):
        async with asyncio.timeout(10):
            end = await socket.receive()
        assert (end.data, end.extra) == (1011, "The agent cannot be reached.")
        assert "nobody" in await example.says("No conversation: ")


async def test_no_page_of_others_gets_in() -> None:
    async with serving_page("default", "http://127.0.0.1:1") as example:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with page(example, origin="https://elsewhere.example.com"):
                pass
        assert refused.value.status == 403
        await example.says("Refused a page of https://elsewhere.example.com")
