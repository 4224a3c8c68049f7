"""LiveKit's end of the line to a worker, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from livekit.protocol.agent import Job, ServerMessage, WorkerMessage

from duologue.agent.settings import LiveKitSettings
from tests.agent.harness import until

SECRET = "a secret of this test: 32 bytes or more"


@dataclass
class FakeLiveKit:
    """What a worker says, and what it is told.

    Attributes:
        settings: where it is.
        messages: what the worker has sent, on all of its connections.
        tokens: with which it came.
        sockets: its connections, the latest last.
    """

    settings: LiveKitSettings = field(default_factory=lambda: LiveKitSettings("ws://_", "_", "_"))
    messages: list[WorkerMessage] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            message = WorkerMessage.FromString(frame.data)
            self.messages.append(message)
            if message.WhichOneof("message") == "register":
                await self.send(ServerMessage(register={"worker_id": "W"}))
        return socket

    async def send(self, message: ServerMessage) -> None:
        await self.sockets[-1].send_bytes(message.SerializeToString())

    async def offer(self, job: Job) -> None:
        await self.send(ServerMessage(availability={"job": job}))

    async def assign(self, job: Job) -> None:
        await self.send(ServerMessage(assignment={"job": job, "token": "room token"}))

    def of(self, kind: str) -> list[WorkerMessage]:
        return [message for message in self.messages if message.WhichOneof("message") == kind]

    async def expect(self, kind: str, count: int = 1) -> WorkerMessage:
        await until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


@asynccontextmanager
async def fake_livekit() -> AsyncIterator[FakeLiveKit]:
    """A LiveKit server that a worker can come to."""
    livekit = FakeLiveKit()
    app = web.Application()
    app.router.add_get("/agent", livekit.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    livekit.settings = LiveKitSettings(f"ws://{host}:{port}", "key", SECRET)
    try:
        yield livekit
    finally:
        await runner.cleanup()
