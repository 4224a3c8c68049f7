"""An agent that does what a script says, behind a real WebSocket, for tests of clients.

async def script(call: ScriptedCall) -> None:
    await call.begin()
    await call.send(AgentResponseEvent(agent_response="Hello.", event_id=1))
    message = await call.receive(UserMessage)
    assert message.text == "Hello, too."
    await call.close(1000, "that was all")

async with ScriptedAgent(script) as agent:
    async with Conversation.start_session(agent_id="any", origin=agent.origin): ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from aiohttp import WSMsgType, web

from duologue.protocol.client_messages import ClientMessage, ConversationInitiation
from duologue.protocol.codec import IncomingMessage, decode_client_message, encode_server_event
from duologue.protocol.server_events import ConversationMetadataEvent, ServerEvent

M = TypeVar("M", bound=ClientMessage)

RECEIVE_LIMIT_S: Final = 5.0
"""How long `ScriptedCall.receive` waits for a client before it fails the script."""

SUBPROTOCOL: Final = "convai"

DEFAULT_METADATA: Final = ConversationMetadataEvent(
    conversation_id="conv_scripted",
    agent_output_audio_format="pcm_16000",
    user_input_audio_format="pcm_16000",
)


class ClientGone(Exception):
    """The script waits for a client that has closed the connection."""


class ScriptedCall:
    """One conversation, as its script sees it.

    Attributes:
        query: the query of the URL with which the client came.
        subprotocols: what the client offered.
        received: every message of the client until now, in order.
    """

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.query: Mapping[str, str] = dict(request.query)
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        self.subprotocols = [name.strip() for name in offered.split(",") if name.strip()]
        self.received: list[IncomingMessage] = []
        self._socket = socket
        self._transport = request.transport

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed; None while it is open."""
        return self._socket.close_code

    async def begin(
        self, metadata: ConversationMetadataEvent = DEFAULT_METADATA
    ) -> ConversationInitiation:
        """Wait for the client's initiation, and answer it with the metadata."""
        initiation = await self.receive(ConversationInitiation)
        await self.send(metadata)
        return initiation

    async def send(self, event: ServerEvent) -> None:
        """Send an event. A client that has gone does not matter."""
        await self.send_frame(encode_server_event(event))

    async def send_frame(self, frame: str | bytes) -> None:
        """Send a frame as it is, valid or not."""
        with suppress(ConnectionError):
            if isinstance(frame, bytes):
                await self._socket.send_bytes(frame)
            else:
                await self._socket.send_str(frame)

    async def receive(self, expected: type[M]) -> M:
        """Wait for the next message of a type; what comes before it is kept in `received`.

        Raises:
            TimeoutError: no such message came within 5 s.
            ClientGone: the client closed the connection instead.
        """
        async with asyncio.timeout(RECEIVE_LIMIT_S):
            while True:
                frame = await self._socket.receive()
                if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    raise ClientGone(f"the client has gone; {expected.__name__} was expected")
                message = decode_client_message(frame.data)
                self.received.append(message)
                if isinstance(message, expected):
                    return message

    async def receive_until_gone(self) -> None:
        """Take what the client sends until it closes the connection."""
        with suppress(ClientGone):
            while True:
                await self.receive(ClientMessage)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a code and a reason."""
        await self._socket.close(code=code, message=reason.encode())

    def vanish(self) -> None:
        """Break the connection off without a close frame, as a server that crashes does."""
        if self._transport is not None:
            self._transport.abort()


Script = Callable[[ScriptedCall], Awaitable[None]]


class ScriptedAgent:
    """A server on this machine's loopback that plays a script to every client that calls.

    A script that returns closes its call with code 1000.

    Use it with `async with`. Leaving the block raises what a script raised, an `AssertionError`
    for instance, so that a test fails where its agent was disappointed.

    Attributes:
        origin: where the server listens, for the option `origin`.
        calls: the calls it has had, in order.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._failures: list[Exception] = []
        self._runner: web.AppRunner | None = None
        self.origin = ""
        self.calls: list[ScriptedCall] = []

    async def __aenter__(self) -> ScriptedAgent:
        app = web.Application()
        app.router.add_get("/v1/convai/conversation", self._converse)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"ws://{host}:{port}"
        return self

    async def __aexit__(self, exception_type: object, *exception: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        if self._failures and exception_type is None:
            raise self._failures[0]

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        call = ScriptedCall(request, socket)
        self.calls.append(call)
        try:
            await self._script(call)
        except ClientGone:
            pass  # the client may hang up whenever it likes; what it has not sent, tests look up
        except Exception as error:
            self._failures.append(error)
        await socket.close()
        return socket
