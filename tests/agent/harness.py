"""A real server on a port of its own, and a client that speaks raw frames to it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

from duologue.agent.access.keys import KeyFile
from duologue.agent.access.signatures import ConversationSigner
from duologue.agent.app import create_app
from duologue.agent.definition import AgentDefinition
from duologue.agent.limits import CallLimits, DoorLimits
from duologue.agent.server import AgentServer, server_config
from duologue.agent.settings import LiveKitSettings
from duologue.agent.speech.stack import SpeechStack

RATE_HZ = 16_000
CHUNK_SAMPLES = RATE_HZ // 50
ALL_EVENTS = (
    "audio",
    "interruption",
    "agent_response",
    "agent_response_correction",
    "agent_chat_response_part",
    "agent_tool_request",
    "agent_tool_response",
    "user_transcript",
    "vad_score",
    "ping",
)


def define(
    agent_id: str = "test",
    *,
    first_message: str = "",
    prompt: str = "Be brief.",
    text_only: bool = False,
    private: bool = False,
    client_events: Iterable[str] = ALL_EVENTS,
    **parts: Any,
) -> AgentDefinition:
    """An agent for a test; `parts` are more of the configuration, such as `tts`."""
    config: dict[str, Any] = {
        "agent": {
            "first_message": first_message,
            "prompt": {"prompt": prompt, "tools": parts.pop("tools", [])},
        },
        "turn": {"turn_timeout": -1} | parts.pop("turn", {}),
        "conversation": {"client_events": list(client_events), "text_only": text_only}
        | parts.pop("conversation", {}),
        **parts,
    }
    return AgentDefinition.model_validate(
        {
            "agent_id": agent_id,
            "conversation_config": config,
            "platform_settings": {"auth": {"enable_auth": private}},
        }
    )


@contextlib.asynccontextmanager
async def serving(
    speech: SpeechStack,
    *definitions: AgentDefinition,
    limits: CallLimits | None = None,
    door: DoorLimits | None = None,
    keys: KeyFile | None = None,
    signer: ConversationSigner | None = None,
    livekit: LiveKitSettings | None = None,
) -> AsyncIterator[str]:
    """A server in this loop; gives its origin, such as `http://127.0.0.1:41234`."""
    agents = {agent.agent_id: agent for agent in definitions}
    app = create_app(agents, speech, limits, keys=keys, signer=signer, livekit=livekit)
    config = server_config(app, door)
    config.port = 0
    server = AgentServer(config, ready=lambda: None, hang_up=app.state.hang_up)
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def until(is_so: Callable[[], bool], limit_s: float = 10) -> None:
    """Return as soon as something is so that tells nobody when it becomes so."""
    async with asyncio.timeout(limit_s):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


@dataclass
class Client:
    """One call, from the client's side. `events` has everything that came, in order."""

    socket: aiohttp.ClientWebSocketResponse
    events: list[dict[str, Any]] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    close_code: int | None = None
    close_reason: str | None = None
    answers_pings: bool = True
    _reading: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def start_reading(self) -> None:
        self._reading = asyncio.create_task(self._read())

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def initiate(self, **fields: Any) -> None:
        await self.send(type="conversation_initiation_client_data", **fields)

    async def speak(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        """Send sound at the pace of real time."""
        began_s = time.monotonic()
        for number, start in enumerate(range(0, len(samples), CHUNK_SAMPLES)):
            chunk = samples[start : start + CHUNK_SAMPLES]
            await self.send(user_audio_chunk=base64.b64encode(chunk.tobytes()).decode())
            due_s = began_s + (number + 1) * CHUNK_SAMPLES / RATE_HZ
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def expect(self, kind: str, *, count: int = 1, limit_s: float = 10) -> dict[str, Any]:
        """The `count`-th event of a type, waiting for it if need be."""
        async with asyncio.timeout(limit_s):
            while len(self.of(kind)) < count:
                assert self.close_code is None, f"closed: {self.close_code} {self.close_reason}"
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    async def expect_close(self, limit_s: float = 10) -> tuple[int | None, str | None]:
        assert self._reading is not None
        async with asyncio.timeout(limit_s):
            await asyncio.shield(self._reading)
        return self.close_code, self.close_reason

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type so far, without their envelope."""
        return [_inner(event) for event in self.events if event["type"] == kind]

    def kinds(self, *wanted: str) -> list[str]:
        """The types of the events so far, in order, each run of one type once."""
        kinds = [event["type"] for event in self.events if event["type"] in wanted]
        return [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]

    async def _read(self) -> None:
        while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            event = json.loads(message.data)
            self.events.append(event)
            self.arrivals_s.append(time.monotonic())
            if event["type"] == "ping" and self.answers_pings:
                await self.send(type="pong", event_id=_inner(event)["event_id"])
            self._news.set()
        self.close_code = self.socket.close_code
        self.close_reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else None
        self._news.set()


def _inner(event: dict[str, Any]) -> dict[str, Any]:
    inner = [value for key, value in event.items() if key != "type"]
    return inner[0] if inner else {}


@contextlib.asynccontextmanager
async def calling(
    origin: str,
    agent_id: str = "test",
    *,
    signature: str | None = None,
    reads: bool = True,
    **options: Any,
) -> AsyncIterator[Client]:
    """A call to a server."""
    query = {"agent_id": agent_id}
    if signature is not None:
        query["conversation_signature"] = signature
    url = f"{origin}/v1/convai/conversation"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url,
            params=query,
            max_msg_size=0,
            **{"protocols": ["convai"], **options},
        ) as socket,
    ):
        client = Client(socket)
        if reads:
            client.start_reading()
        try:
            yield client
        finally:
            if client._reading is not None:
                client._reading.cancel()


@contextlib.asynccontextmanager
async def conversing(
    speech: SpeechStack, *definitions: AgentDefinition, limits: CallLimits | None = None
) -> AsyncIterator[Client]:
    """One call to a server of its own; its agent is named `test`."""
    async with serving(speech, *definitions, limits=limits) as origin, calling(origin) as client:
        yield client


def disappear(client: Client) -> None:
    """Cut the line without a word, as a crash does."""
    _transport(client).abort()


def pause_reading(client: Client) -> None:
    """Leave everything unread from now on."""
    _transport(client).pause_reading()


def _transport(client: Client) -> asyncio.Transport:
    connection = client.socket._response.connection
    assert connection is not None
    assert isinstance(connection.transport, asyncio.Transport)
    return connection.transport
