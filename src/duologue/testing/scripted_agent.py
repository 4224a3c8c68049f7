"""An agent that does what a script says, behind a real WebSocket, for tests of clients.

async with ScriptedAgent([Begin(), Expect(UserMessage(text="Hello."))]) as agent:
    async with Conversation.start_session(agent_id="any", origin=agent.origin): ...

With a LiveKit server it can be called over WebRTC as well.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from duologue.protocol.codec import Frame
from duologue.testing.script import Script
from duologue.testing.scripted_call import DEFAULT_METADATA, ClientGone, ScriptedCall
from duologue.testing.stage import CLOSING_LIMIT_S, Stage

if TYPE_CHECKING:
    from duologue.agent.settings import LiveKitSettings
    from duologue.testing.scripted_rooms import ScriptedRooms

__all__ = ["DEFAULT_METADATA", "ClientGone", "Script", "ScriptedAgent", "ScriptedCall"]

SUBPROTOCOL: Final = "convai"


class ScriptedAgent:
    """A server on this machine's loopback that plays a script to every client that calls.

    A script is a list of steps (see `duologue.testing.script`), or an async function that gets a
    `ScriptedCall`. One that ends closes its call with code 1000.

    Use it with `async with`. Leaving the block raises what a script raised, an `AssertionError`
    for instance, so that a test fails where its agent was disappointed.

    Args:
        script: what it does in each call.
        livekit: a LiveKit server, and clients that ask for WebRTC are called in a room there, with
            the same script: its `AudioEvent`s are said on the agent's track, and the user's sound
            is received from the user's (see `duologue.testing.scripted_rooms.RoomCall`). None
            tells them that there is no WebRTC. It needs the extra `agent`.

    Attributes:
        origin: where the server listens, for the option `origin`.
    """

    def __init__(self, script: Script, *, livekit: LiveKitSettings | None = None) -> None:
        self._stage = Stage(script)
        self._livekit = livekit
        self._rooms: ScriptedRooms | None = None
        self._running = AsyncExitStack()
        self.origin = ""

    @property
    def calls(self) -> list[ScriptedCall]:
        """The calls it has had, in order."""
        return self._stage.calls

    async def __aenter__(self) -> ScriptedAgent:
        async with AsyncExitStack() as stack:
            if self._livekit is not None:
                from duologue.testing.scripted_rooms import ScriptedRooms

                self._rooms = await stack.enter_async_context(
                    ScriptedRooms(self._livekit, self._stage)
                )
            self.origin = await self._listen(stack)
            self._running = stack.pop_all()
        return self

    async def __aexit__(self, exception_type: object, *exception: object) -> None:
        await self._running.aclose()
        if exception_type is None:
            self._stage.raise_failure()

    async def _listen(self, stack: AsyncExitStack) -> str:
        app = web.Application()
        app.router.add_get("/v1/convai/conversation", self._converse)
        app.router.add_get("/v1/convai/conversation/token", self._give_token)
        runner = web.AppRunner(app, shutdown_timeout=CLOSING_LIMIT_S)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return f"ws://{host}:{port}"

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        subprotocols = [name.strip() for name in offered.split(",") if name.strip()]
        await self._stage.perform(_SocketWire(request, socket), request.query, subprotocols)
        return socket

    async def _give_token(self, request: web.Request) -> web.Response:
        """A way into a room; without any, what tells clients to take WebSocket."""
        if self._rooms is None:
            return web.json_response({"detail": "this agent has no WebRTC"}, status=501)
        return web.json_response(dict(await self._rooms.open(request.query)))


class _SocketWire:
    """The server's end of a WebSocket. See `duologue.testing.scripted_call.Wire`."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._transport = request.transport

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    async def send(self, frame: Frame) -> None:
        with suppress(ConnectionError):
            if isinstance(frame, bytes):
                await self._socket.send_bytes(frame)
            else:
                await self._socket.send_str(frame)

    async def receive(self) -> Frame | None:
        frame = await self._socket.receive()
        if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return None
        data: Frame = frame.data
        return data

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())

    def vanish(self) -> None:
        if self._transport is not None:
            self._transport.abort()
