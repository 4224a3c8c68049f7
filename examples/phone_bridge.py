"""A bridge from phone calls to an agent.

Shows a source and a sink of your own. Phone providers send a call to a WebSocket as JSON messages,
50 a second, each with 20 ms of μ-law sound at 8 kHz in base64, and take the same back:

    {"event": "start", "streamSid": "…"}                              from the provider
    {"event": "media", "media": {"payload": "…"}}                     from the provider
    {"event": "media", "streamSid": "…", "media": {"payload": "…"}}   to the provider
    {"event": "stop"}                                                 from the provider

Events of other names (`connected`, `mark`, `dtmf`) are ignored. The conversation's own sound may
have any format: it is converted. An agent that hears and speaks `ulaw_8000` saves that.

With an agent on this machine (`duologue serve` in another terminal):

    python examples/phone_bridge.py

With a public agent of yours at ElevenLabs:

    python examples/phone_bridge.py agent_… --origin wss://api.elevenlabs.io

Then let your provider stream its calls to `/media` of this server, over TLS and with the provider's
signature checked by a proxy in front: whoever reaches the bridge talks with your agent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
from aiohttp import WSCloseCode, WSMsgType, web

from duologue import Conversation, DuologueError
from duologue.audio import AudioFormat

ULAW = AudioFormat.parse("ulaw_8000")
FRAME_S = 0.02
FRAME_SAMPLES = round(FRAME_S * ULAW.sample_rate_hz)
MAX_CATCH_UP_S = 1.0


class CallerVoice:
    """A source: what the caller says, delivered as it comes from the provider."""

    sample_rate_hz = ULAW.sample_rate_hz
    failed: Callable[[Exception], None]  # assigned by the conversation

    def __init__(self) -> None:
        self._deliver: Callable[[memoryview], None] | None = None

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        self._deliver = deliver

    def stop(self) -> None:
        self._deliver = None

    def hear(self, payload: str) -> None:
        """Take the sound of one message."""
        deliver = self._deliver
        if deliver is not None:
            deliver(ULAW.decode(base64.b64decode(payload)).data)


class CallerEar:
    """A sink: asks for 20 ms of the agent's voice every 20 ms, and sends them to the provider.

    At this pace the provider never holds more than a frame or two, so an agent that is interrupted
    is silent at once on the phone, too.
    """

    sample_rate_hz = ULAW.sample_rate_hz
    failed: Callable[[Exception], None]  # assigned by the conversation

    def __init__(self, socket: web.WebSocketResponse, stream_id: str) -> None:
        self._socket = socket
        self._stream_id = stream_id
        self._loop = asyncio.get_running_loop()
        self._playing: Future[None] | None = None

    def start(self, render: Callable[[int], memoryview]) -> None:
        # A device may block while it opens, so `start` and `stop` are called in another thread.
        self._playing = asyncio.run_coroutine_threadsafe(self._play(render), self._loop)

    def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    async def _play(self, render: Callable[[int], memoryview]) -> None:
        due_s = self._loop.time()
        try:
            while True:
                await self._send(render(FRAME_SAMPLES))
                # By the clock, so that no delay adds up; a machine that slept does not flood.
                due_s = max(due_s + FRAME_S, self._loop.time() - MAX_CATCH_UP_S)
                await asyncio.sleep(due_s - self._loop.time())
        except Exception as error:
            self.failed(error)

    async def _send(self, samples: memoryview) -> None:
        payload = base64.b64encode(ULAW.encode(np.frombuffer(samples, dtype="<i2"))).decode()
        await self._socket.send_json(
            {"event": "media", "streamSid": self._stream_id, "media": {"payload": payload}}
        )


async def answer(socket: web.WebSocketResponse, agent_id: str, origin: str) -> None:
    """Let the caller talk with the agent until one of them hangs up."""
    events = provider_events(socket)
    stream_id = await started_stream(events)
    if stream_id is None:
        return
    caller = CallerVoice()
    async with Conversation.start_session(
        agent_id=agent_id,
        origin=origin,
        microphone=caller,
        speaker=CallerEar(socket, stream_id),
        on_message=lambda message: print(f"{stream_id} {message.role}: {message.text}"),
        on_error=lambda report: print(f"{stream_id} error: {report}"),
        on_disconnect=lambda end: socket.close(),  # when the agent ends it, the phone hangs up
    ):
        async for event in events:
            match event:
                case {"event": "media", "media": {"payload": str(payload)}}:
                    caller.hear(payload)
                case {"event": "stop"}:
                    return


async def provider_events(socket: web.WebSocketResponse) -> AsyncIterator[Any]:
    """What the provider sends, until the connection is closed."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            yield json.loads(message.data)


async def started_stream(events: AsyncIterator[Any]) -> str | None:
    """The provider's id of the stream, once it begins; None if the caller hangs up before."""
    async for event in events:
        match event:
            case {"event": "start", "streamSid": str(stream_id)}:
                return stream_id
    return None


def create_app(agent_id: str, origin: str) -> web.Application:
    """A server whose `/media` connects each call to a conversation of its own."""
    calls: set[web.WebSocketResponse] = set()

    async def media(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=10, timeout=2)
        await socket.prepare(request)
        calls.add(socket)
        try:
            await answer(socket, agent_id, origin)
        except DuologueError as error:
            print(f"The call cannot be put through: {error}")
        finally:
            calls.remove(socket)
            await socket.close()
        return socket

    async def hang_up(app: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in calls))

    app = web.Application()
    app.router.add_get("/media", media)
    app.on_shutdown.append(hang_up)
    return app


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Connect phone calls to an agent.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse_arguments()
    web.run_app(
        create_app(arguments.agent_id, arguments.origin),
        host=arguments.host,
        port=arguments.port,
        shutdown_timeout=10,  # for conversations to end in
    )
