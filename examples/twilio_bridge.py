"""A bridge from phone calls to an agent, by Twilio's Media Streams.

Twilio connects each call to a WebSocket of yours and sends 20 ms of sound 50 times a second, as
μ-law at 8 kHz. Many calls share this one process, and no call has a thread of its own.

With an agent on this machine (`duologue serve` in another terminal):

    export TWILIO_AUTH_TOKEN=…
    python examples/twilio_bridge.py --public-url wss://bridge.example.com/media

With a public agent of yours at ElevenLabs:

    python examples/twilio_bridge.py agent_… --origin wss://api.elevenlabs.io --public-url wss://…

Let a proxy with TLS pass `/media` on to this server, and answer calls to your number with:

    <Response>
      <Connect>
        <Stream url="wss://bridge.example.com/media">
          <Parameter name="caller" value="…" />
        </Stream>
      </Connect>
    </Response>

Parameters become the agent's dynamic variables. Twilio signs each connection with your auth token
and the URL as it stands in that answer; whatever has no such signature gets 403. The agent's sound
may have any format: it is converted. An agent that hears and speaks `ulaw_8000` saves that.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from duologue import Conversation, DuologueError
from duologue.audio import PushedMicrophone, TimedSpeaker

RATE_HZ = 8000
LAST_WORDS = "last words"
LAST_WORDS_LIMIT_S = 5.0
SEND_LIMIT_S = 5.0


class Phone:
    """Twilio's end of one call.

    Attributes:
        parameters: what the answer to the call has given along.
    """

    def __init__(self, socket: web.WebSocketResponse, start: dict[str, Any]) -> None:
        self._socket = socket
        self.stream_id: str = start["streamSid"]
        self.parameters: dict[str, str] = start["start"].get("customParameters", {})
        self._marks: dict[str, asyncio.Event] = {}

    async def play(self, block: bytes) -> None:
        """Let the caller hear some sound, after what waits there."""
        await self._send("media", media={"payload": base64.b64encode(block).decode()})

    async def clear(self) -> None:
        """Forget what waits there."""
        await self._send("clear")

    async def played(self, name: str) -> None:
        """Wait until all that was sent has been heard: Twilio sends a mark back then."""
        self._marks[name] = asyncio.Event()
        await self._send("mark", mark={"name": name})
        await self._marks[name].wait()

    def reached(self, name: str) -> None:
        """A mark has come back."""
        if mark := self._marks.get(name):
            mark.set()

    async def hang_up(self) -> None:
        """End the stream; Twilio goes on after `<Connect>`, or hangs up if nothing follows."""
        await self._socket.close()

    async def _send(self, event: str, **fields: Any) -> None:
        message = {"event": event, "streamSid": self.stream_id, **fields}
        async with asyncio.timeout(SEND_LIMIT_S):
            await self._socket.send_json(message)


async def answer(socket: web.WebSocketResponse, agent_id: str, origin: str) -> None:
    """Let the caller talk with the agent until one of them hangs up."""
    messages = twilio_messages(socket)
    phone = await started_phone(socket, messages)
    if phone is None:
        return
    microphone = PushedMicrophone(RATE_HZ, encoding="ulaw")
    speaker = TimedSpeaker(RATE_HZ, encoding="ulaw")
    speaking = asyncio.create_task(speak(phone, speaker))
    try:
        async with Conversation.start_session(
            agent_id=agent_id,
            origin=origin,
            microphone=microphone,
            speaker=speaker,
            dynamic_variables=dict(phone.parameters),
            on_interruption=lambda event: phone.clear(),
            on_message=lambda message: print(f"{phone.stream_id} {message.role}: {message.text}"),
            on_error=lambda report: print(f"{phone.stream_id} error: {report}"),
        ):
            await listen(messages, phone, microphone)
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
            await speaking


async def listen(messages: AsyncIterator[Any], phone: Phone, microphone: PushedMicrophone) -> None:
    """Let the agent hear the caller, until the caller hangs up or the stream is closed."""
    async for message in messages:
        match message:
            case {"event": "media", "media": {"payload": str(payload)}}:
                microphone.push(base64.b64decode(payload))
            case {"event": "mark", "mark": {"name": str(name)}}:
                phone.reached(name)
            case {"event": "stop"}:
                return
            case _:  # `dtmf`, and what there may be one day
                pass


async def speak(phone: Phone, speaker: TimedSpeaker) -> None:
    """Let the caller hear the agent; when the agent has ended the call, hang up."""
    try:
        async for block in speaker:
            await phone.play(block)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_LIMIT_S):
                await phone.played(LAST_WORDS)
    finally:
        await phone.hang_up()


async def twilio_messages(socket: web.WebSocketResponse) -> AsyncIterator[Any]:
    """What Twilio sends, until the connection is closed."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            yield json.loads(message.data)


async def started_phone(
    socket: web.WebSocketResponse, messages: AsyncIterator[Any]
) -> Phone | None:
    """The call, once its stream begins; None if the caller hangs up before."""
    async for message in messages:
        match message:
            case {"event": "start", "streamSid": str(), "start": {}}:
                return Phone(socket, message)
    return None


def is_signed(request: web.Request, public_url: str, auth_token: str) -> bool:
    """Whether a connection comes from Twilio, for this account.

    The signature is the HMAC-SHA1 of the URL, in base64. A connection has no other parameters.
    """
    digest = hmac.digest(auth_token.encode(), public_url.encode(), hashlib.sha1)
    sent = request.headers.get("X-Twilio-Signature", "")
    return hmac.compare_digest(sent.encode(), base64.b64encode(digest))


def create_app(agent_id: str, origin: str, public_url: str, auth_token: str) -> web.Application:
    """A server whose `/media` connects each call to a conversation of its own."""
    calls: set[web.WebSocketResponse] = set()

    async def media(request: web.Request) -> web.WebSocketResponse:
        if not is_signed(request, public_url, auth_token):
            print(f"Refused {request.remote}: not signed by Twilio for {public_url}")
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(heartbeat=10, timeout=2, max_msg_size=64 * 1024)
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
    parser = argparse.ArgumentParser(description="Connect phone calls of Twilio's to an agent.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument(
        "--public-url", required=True, help="the stream's URL as Twilio knows it: wss://…/media"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    arguments = parser.parse_args()
    if not os.environ.get("TWILIO_AUTH_TOKEN"):
        parser.error("TWILIO_AUTH_TOKEN is not set; it stands in Twilio's console")
    return arguments


if __name__ == "__main__":
    arguments = parse_arguments()
    web.run_app(
        create_app(
            arguments.agent_id,
            arguments.origin,
            arguments.public_url,
            os.environ["TWILIO_AUTH_TOKEN"],
        ),
        host=arguments.host,
        port=arguments.port,
        shutdown_timeout=10,  # for conversations to end in
    )
