"""`examples/phone_bridge.py`, with the test as the phone provider."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np

from duologue.audio import AudioFormat
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import AgentResponseEvent
from duologue.testing import ScriptedAgent, ScriptedCall, ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import said
from tests.examples.runner import RunningExample, running

ULAW = AudioFormat.parse("ulaw_8000")
FRAME_BYTES = 160
FRAME_S = 0.02


@contextlib.asynccontextmanager
async def provider(
    example: RunningExample,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse[bool]]:
    """A phone provider's connection to the bridge, with its stream begun."""
    found = re.search(r"http://127\.0\.0\.1:\d+", await example.says("Running on"))
    assert found
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{found[0]}/media") as socket,
    ):
        await socket.send_json({"event": "connected", "protocol": "Call"})
        await socket.send_json({"event": "start", "streamSid": "MZ1", "start": {"tracks": ["in"]}})
        yield socket


async def say(socket: aiohttp.ClientWebSocketResponse[bool], sound: bytes) -> None:
    """Send sound as it comes from a phone, a frame every 20 ms."""
    began_s = time.monotonic()
    for number, at in enumerate(range(0, len(sound), FRAME_BYTES), start=1):
        payload = base64.b64encode(sound[at : at + FRAME_BYTES]).decode()
        await socket.send_json({"event": "media", "media": {"payload": payload}})
        await asyncio.sleep(max(0.0, began_s + number * FRAME_S - time.monotonic()))


async def heard_until(
    socket: aiohttp.ClientWebSocketResponse[bool], speech_s: float
) -> tuple[list[bytes], float]:
    """All that the phone plays until it has played so much speech; and how long that took."""
    frames: list[bytes] = []
    began_s = time.monotonic()
    async with asyncio.timeout(30):
        while sum(loudness(frame) > 1_000 for frame in frames) < speech_s / FRAME_S:
            frames.append(played(await socket.receive_json()))
    return frames, time.monotonic() - began_s


def played(message: Any) -> bytes:
    assert set(message) == {"event", "streamSid", "media"}
    assert (message["event"], message["streamSid"]) == ("media", "MZ1")
    return base64.b64decode(message["media"]["payload"], validate=True)


def loudness(frame: bytes) -> float:
    return float(np.sqrt(np.mean(ULAW.decode(frame).astype(np.float64) ** 2)))


async def test_a_call_is_answered_at_the_pace_of_the_phone() -> None:
    speech = ScriptedSpeech(transcripts=["Is anybody there?"], replies=["Yes, I am here."])
    async with (
        serving(speech, define()) as origin,
        running("phone_bridge.py", "test", "--origin", origin, "--port", "0") as example,
        provider(example) as phone,
    ):
        voice = ULAW.encode(said(1.5, quiet_s=4.0)[::2])
        speaking = asyncio.create_task(say(phone, voice))
        frames, took_s = await heard_until(phone, 0.6)
        await speaking
        await phone.send_json({"event": "stop"})
        async with asyncio.timeout(10):
            while not phone.closed:
                await phone.receive()
        await example.says("MZ1 agent: Yes, I am here.")
        assert "MZ1 user: Is anybody there?" in example.output
        assert "Traceback" not in example.output
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    # Each frame in its time: a second's worth may be made up for at once, no more.
    assert len(frames) <= (took_s + 1.0) / FRAME_S + 1
    assert len(frames) >= (took_s - 2.0) / FRAME_S


async def test_when_the_agent_hangs_up_so_does_the_phone() -> None:
    async def greet_and_leave(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.send(AgentResponseEvent(agent_response="Wrong number.", event_id=1))
        await call.close(1000)

    async with (
        ScriptedAgent(greet_and_leave) as agent,
        running("phone_bridge.py", "--port", "0", DUOLOGUE_ORIGIN=agent.origin) as example,
        provider(example) as phone,
    ):
        speaking = asyncio.create_task(say(phone, ULAW.encode(said(2.0)[::2])))
        async with asyncio.timeout(10):
            while not phone.closed:
                await phone.receive()
        assert phone.close_code == 1000
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await example.says("MZ1 agent: Wrong number.")


async def test_a_call_that_cannot_be_put_through_is_ended_and_told() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        running("phone_bridge.py", "nobody", "--origin", origin, "--port", "0") as example,
        provider(example) as phone,
    ):
        async with asyncio.timeout(10):
            assert (await phone.receive()).type is aiohttp.WSMsgType.CLOSE
        line = await example.says("The call cannot be put through: ")
        assert "nobody" in line


async def test_ctrl_c_ends_the_calls_in_good_order() -> None:
    async with (
        serving(ScriptedSpeech(), define(first_message="Hello!")) as origin,
        running("phone_bridge.py", "test", "--origin", origin, "--port", "0") as example,
        provider(example) as phone,
    ):
        await heard_until(phone, 0.1)
        example.interrupt()
        async with asyncio.timeout(10):
            while not phone.closed:
                await phone.receive()
        assert await example.ends() == 0, example.output
        assert "Traceback" not in example.output
