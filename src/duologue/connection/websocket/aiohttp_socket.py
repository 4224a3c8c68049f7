"""A WebSocket of aiohttp's: the one that works everywhere, through proxies too."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.http_websocket import WebSocketWriter

from duologue.audio.playout.jitter_buffer import START_MS
from duologue.connection.base import MESSAGE_MS, Take, each_received
from duologue.connection.http.proxies import DIRECT, Way
from duologue.connection.websocket.ends import (
    CLOSE_LIMIT_S,
    HEARTBEAT_S,
    MAX_FRAME_BYTES,
    USER_ENDED,
    redirected,
    refused,
    too_late,
    unreachable,
)
from duologue.dialogue.values import (
    ABNORMAL_CLOSURE,
    NO_STATUS_CLOSURE,
    NORMAL_CLOSURE,
    Disconnection,
)
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Incoming, decode_server_event, encode_client_frame
from duologue.protocol.server_events import ConversationMetadataEvent


class _Socket(aiohttp.ClientWebSocketResponse):
    """aiohttp's socket, and what is below it.

    Attributes:
        transport: where its frames go.
    """

    def __init__(
        self, reader: Any, writer: WebSocketWriter, *arguments: Any, **options: Any
    ) -> None:
        super().__init__(reader, writer, *arguments, **options)
        self.transport = writer.transport


class WebSocketConnection:
    """An open WebSocket to an agent. See `duologue.connection.base.Connection`."""

    chunk_ms = MESSAGE_MS
    start_ms = START_MS

    def __init__(self, http: aiohttp.ClientSession, socket: _Socket):
        self._http = http
        self._socket = socket

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        timeout_s: float,
        subprotocols: tuple[str, ...],
        ssl_context: ssl.SSLContext | None = None,
        way: Way = DIRECT,
    ) -> WebSocketConnection:
        """Connect; see `duologue.connection.websocket.opening.open_websocket`."""
        http = aiohttp.ClientSession(
            trace_configs=[_without_redirects()],
            connector=way.connector,
            ws_response_class=_Socket,
        )
        try:
            async with asyncio.timeout(timeout_s):
                socket = await http.ws_connect(
                    url,
                    protocols=subprotocols,
                    proxy=way.proxy,
                    ssl=ssl_context or True,
                    heartbeat=HEARTBEAT_S,
                    max_msg_size=MAX_FRAME_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT_S),
                )
        except BaseException as error:
            await http.close()
            if isinstance(error, aiohttp.ClientError | OSError):  # TimeoutError is an OSError
                # The cause stays out of tracebacks: it may show the URL with its signature.
                raise _connection_error(url, error, timeout_s) from None
            raise
        assert isinstance(socket, _Socket)
        return cls(http, socket)

    async def send(self, message: ClientMessage) -> None:
        """Send a message; see `Connection.send`."""
        with suppress(ConnectionError, aiohttp.ClientError):
            # What cannot be sent any more is not an error of the sender: `receive` tells the end.
            await self._sending(message)

    def send_at_once(self, message: ClientMessage) -> bool:
        """Send a message if the system takes it now; see `Connection.send_at_once`."""
        if self._socket.transport.get_write_buffer_size():
            return False
        sending = self._sending(message)
        with suppress(ConnectionError, aiohttp.ClientError, StopIteration):
            # aiohttp waits for nothing here but for a full buffer, and this one is empty: so the
            # first step is the last.
            sending.send(None)
        sending.close()
        return True

    def _sending(self, message: ClientMessage) -> Coroutine[Any, Any, None]:
        return self._socket.send_frame(encode_client_frame(message), aiohttp.WSMsgType.TEXT)

    async def receive(self) -> Incoming | Disconnection:
        """Wait for what comes next; see `Connection.receive`."""
        frame = await self._socket.receive()
        if frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return decode_server_event(frame.data)
        return _disconnection(frame)

    async def receive_all(self, take: Take) -> Disconnection:
        """Hand over what comes; see `Connection.receive_all`."""
        return await each_received(self.receive, take)

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """All of it; see `Connection.agreed`."""
        return metadata

    async def close(self) -> None:
        """Close as the user's regular end; see `Connection.close`."""
        try:
            # aiohttp's own limit is one for each frame that comes before the answer, and none for
            # a server that has stopped reading.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._socket.close(code=NORMAL_CLOSURE, message=USER_ENDED)
        finally:
            await self._http.close()


def _disconnection(frame: aiohttp.WSMessage) -> Disconnection:
    """What the end of a socket means.

    The frame alone is asked: aiohttp's `close_code` is 1000 where the server has gone without a
    close frame, and 1006 once a `receive` was cancelled.
    """
    if frame.type is aiohttp.WSMsgType.CLOSE:
        return Disconnection.by_close(frame.data or NO_STATUS_CLOSURE, frame.extra)
    if frame.type is aiohttp.WSMsgType.ERROR and isinstance(frame.data, aiohttp.WebSocketError):
        return Disconnection.by_violation(int(frame.data.code), str(frame.data))
    return Disconnection.by_close(ABNORMAL_CLOSURE, None)


def _without_redirects() -> aiohttp.TraceConfig:
    """Refuse redirects, as browsers do for WebSockets: they would carry the token elsewhere."""

    async def refuse(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        redirect: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        raise redirected(str(redirect.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _connection_error(url: str, error: Exception, timeout_s: float) -> SessionConnectionError:
    """A sentence that names the server but not the query, which may hold a signature."""
    if isinstance(error, TimeoutError):
        return too_late(url, timeout_s)
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return refused(url, error.status)
    return unreachable(url, error)
