"""`examples/twilio_bridge.py`, with the test as Twilio, by the messages in its documentation."""

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
import pytest

from duologue.audio import AudioFormat
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import AgentResponseEvent, InterruptionEvent
from duologue.testing import ScriptedAgent, ScriptedCall, ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import said
from tests.examples.runner import RunningExample, running

ULAW = AudioFormat.parse("ulaw_8000")
FRAME_BYTES = 160
FRAME_S = 0.02


PUBLIC_URL = "wss://bridge.example.com/media"
AUTH_TOKEN = "12345"
SIGNATURE = "ASGyPT9kdDVOm79OxfQnw7HcSP8="
"""Of this URL with this token, reckoned by OpenSSL."""

START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC0",
        "streamSid": "MZ1",
        "callSid": "CA0",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"caller": "Ada"},
    },
    "streamSid": "MZ1",
}


@contextlib.asynccontextmanager
async def bridge(agent_id: str, origin: str) -> AsyncIterator[RunningExample]:
    """The example, as it runs."""
    options = ("--public-url", PUBLIC_URL, "--port", "0")
    async with running(
        *("twilio_bridge.py", agent_id, "--origin", origin, *options),
        TWILIO_AUTH_TOKEN=AUTH_TOKEN,
    ) as example:
        yield example


async def media_url(example: RunningExample) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", await example.says("Running on"))
    assert found
    return f"{found[0]}/media"


@contextlib.asynccontextmanager
async def twilio(example: RunningExample) -> AsyncIterator[aiohttp.ClientWebSocketResponse[bool]]:
    """Twilio's connection to the bridge, with its stream begun."""
    async with (
        aiohttp.ClientSession(headers={"X-Twilio-Signature": SIGNATURE}) as http,
        http.ws_connect(await media_url(example)) as socket,
    ):
        await socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await socket.send_json(START)
        yield socket


async def say(socket: aiohttp.ClientWebSocketResponse[bool], sound: bytes) -> None:
    """Send sound as it comes from a phone, a frame every 20 ms."""
    began_s = time.monotonic()
    for number, at in enumerate(range(0, len(sound), FRAME_BYTES), start=1):
        payload = base64.b64encode(sound[at : at + FRAME_BYTES]).decode()
        await socket.send_json(
            {
                "event": "media",
                "sequenceNumber": str(number + 1),
                "media": {
                    "track": "inbound",
                    "chunk": str(number),
                    "timestamp": str(20 * number),
                    "payload": payload,
                },
                "streamSid": "MZ1",
            }
        )
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


async def until_closed(socket: aiohttp.ClientWebSocketResponse[bool]) -> list[Any]:
    """All that comes until the bridge hangs up. As Twilio does, each mark is sent back."""
    messages: list[Any] = []
    async with asyncio.timeout(10):
        async for message in socket:
            messages.append(message.json())
            if messages[-1]["event"] == "mark":
                await socket.send_json({"sequenceNumber": "9", **messages[-1]})
    return messages


async def test_a_call_is_answered_at_the_pace_of_the_phone() -> None:
    speech = ScriptedSpeech(transcripts=["Is anybody there?"], replies=["Yes, I am here."])
    async with (
        serving(speech, define()) as origin,
        bridge("test", origin) as example,
        twilio(example) as phone,
    ):
        await phone.send_json(
            {"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "1"}}
        )
        voice = ULAW.encode(said(1.5, quiet_s=4.0)[::2])
        speaking = asyncio.create_task(say(phone, voice))
        frames, took_s = await heard_until(phone, 0.6)
        await speaking
        await phone.send_json({"event": "stop", "streamSid": "MZ1", "stop": {"callSid": "CA0"}})
        await until_closed(phone)
        await example.says("MZ1 agent: Yes, I am here.")
        assert "MZ1 user: Is anybody there?" in example.output
        assert "Traceback" not in example.output
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    # Each frame in its time: a second's worth may be made up for at once, no more.
    assert len(frames) <= (took_s + 1.0) / FRAME_S + 1
    assert len(frames) >= (took_s - 2.0) / FRAME_S


async def test_the_parameters_of_the_call_are_variables_of_the_agent() -> None:
    greeting = define(first_message="Hello {{caller}}!")
    async with (
        serving(ScriptedSpeech(), greeting) as origin,
        bridge("test", origin) as example,
        twilio(example),
    ):
        await example.says("MZ1 agent: Hello Ada!")


async def test_when_the_agent_hangs_up_so_does_the_bridge_after_its_last_words() -> None:
    async def greet_and_leave(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.send(AgentResponseEvent(agent_response="Wrong number.", event_id=1))
        await call.close(1000)

    async with (
        ScriptedAgent(greet_and_leave) as agent,
        bridge("default", agent.origin) as example,
        twilio(example) as phone,
    ):
        speaking = asyncio.create_task(say(phone, ULAW.encode(said(2.0)[::2])))
        *_, last = await until_closed(phone)
        assert last == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "last words"}}
        assert phone.close_code == 1000
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await example.says("MZ1 agent: Wrong number.")


async def test_what_waits_at_twilio_is_cleared_by_an_interruption() -> None:
    async def be_interrupted(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.send(InterruptionEvent(event_id=1))
        await call.receive_until_gone()

    async with (
        ScriptedAgent(be_interrupted) as agent,
        bridge("default", agent.origin) as example,
        twilio(example) as phone,
    ):
        speaking = asyncio.create_task(say(phone, ULAW.encode(said(2.0)[::2])))
        async with asyncio.timeout(10):
            while (message := await phone.receive_json())["event"] == "media":
                pass
        assert message == {"event": "clear", "streamSid": "MZ1"}
        await speaking


@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": SIGNATURE.lower()}])
async def test_who_is_not_twilio_is_refused(headers: dict[str, str]) -> None:
    async with (
        bridge("default", "http://127.0.0.1:1") as example,
        aiohttp.ClientSession(headers=headers) as http,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(await media_url(example))
        assert refused.value.status == 403
        await example.says(f"Refused 127.0.0.1: not signed by Twilio for {PUBLIC_URL}")


async def test_a_call_that_cannot_be_put_through_is_ended_and_told() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        bridge("nobody", origin) as example,
        twilio(example) as phone,
    ):
        await until_closed(phone)
        line = await example.says("The call cannot be put through: ")
        assert "nobody" in line


async def test_ctrl_c_ends_the_calls_in_good_order() -> None:
    async with (
        serving(ScriptedSpeech(), define(first_message="Hello!")) as origin,
        bridge("test", origin) as example,
        twilio(example) as phone,
    ):
        await heard_until(phone, 0.1)
        example.interrupt()
        await until_closed(phone)
        assert await example.ends() == 0, example.output
        assert "Traceback" not in example.output
