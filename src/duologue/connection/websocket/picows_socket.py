"""A WebSocket of picows's, where that is installed: for many conversations in one process.

It hands frames over as they are read, without a task that wakes for each, and writes them in one
step. TLS is done by the event loop, as for every other connection of this library.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import aiohappyeyeballs
import picows

from duologue.audio.playout.jitter_buffer import START_MS
from duologue.connection.base import MESSAGE_MS, Take
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
from duologue.protocol.codec import Frame, Incoming, decode_server_event, encode_client_frame
from duologue.protocol.server_events import ConversationMetadataEvent

logger = logging.getLogger("duologue")

# All that picows has to say becomes the end of a connection or an error, and is told so.
_unheard = logging.getLogger("duologue.picows")
_unheard.setLevel(logging.CRITICAL + 1)

WAITING_LIMIT: Final = 1000
"""So many messages wait to be received; then the server has to wait."""

NEXT_ADDRESS_S: Final = 0.25
"""So long one address may take before another is tried beside it (RFC 8305, section 5)."""

_REDIRECTS: Final = range(300, 400)
_TEXT: Final = picows.WSMsgType.TEXT
_CONTINUATION: Final = picows.WSMsgType.CONTINUATION
_CLOSE: Final = picows.WSMsgType.CLOSE
_MESSAGES: Final = (_TEXT, picows.WSMsgType.BINARY, _CONTINUATION)


class LeanWebSocketConnection:
    """An open WebSocket to an agent. See `duologue.connection.base.Connection`."""

    chunk_ms = MESSAGE_MS
    start_ms = START_MS

    def __init__(self, transport: picows.WSTransport, frames: _Frames) -> None:
        self._transport = transport
        self._frames = frames

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        timeout_s: float,
        subprotocols: tuple[str, ...],
        ssl_context: ssl.SSLContext | None = None,
    ) -> LeanWebSocketConnection:
        """Connect; see `duologue.connection.websocket.opening.open_websocket`."""
        secure = url.startswith("wss:")
        wire = _Wire()
        headers = {"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}
        try:
            async with asyncio.timeout(timeout_s):
                transport, frames = await picows.ws_connect(
                    _Frames,
                    url,
                    logger_name=_unheard,
                    ssl_context=(ssl_context or _usual_ssl_context()) if secure else None,
                    websocket_handshake_timeout=None,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=HEARTBEAT_S,
                    auto_ping_reply_timeout=HEARTBEAT_S / 2,
                    max_frame_size=MAX_FRAME_BYTES,
                    max_redirects=0,
                    extra_headers=headers,
                    socket_factory=wire.connect,
                    # Its own way of doing TLS is young.
                    use_aiofastnet=not secure,
                )
        except BaseException as error:
            wire.cut()
            if isinstance(error, picows.WSError | picows.WSInvalidURL | OSError):
                # The cause stays out of tracebacks: it may show the URL with its signature.
                raise _connection_error(url, error, timeout_s) from None
            raise
        if not isinstance(frames, _Frames):  # so picows tells of a server that has hung up
            raise unreachable(url, ConnectionResetError())
        return cls(transport, frames)

    async def send(self, message: ClientMessage) -> None:
        """Send a message; see `Connection.send`."""
        frame = encode_client_frame(message)
        await self._frames.writable.wait()
        self._transport.send(picows.WSMsgType.TEXT, frame)  # nothing, on one that is closing

    def send_at_once(self, message: ClientMessage) -> bool:
        """Send a message if the system takes it now; see `Connection.send_at_once`."""
        transport = self._transport
        if transport.underlying_transport.get_write_buffer_size():
            return False
        transport.send(picows.WSMsgType.TEXT, encode_client_frame(message))
        return True

    async def receive(self) -> Incoming | Disconnection:
        """Wait for what comes next; see `Connection.receive`."""
        frame = await self._frames.next()
        return frame if isinstance(frame, Disconnection) else decode_server_event(frame)

    async def receive_all(self, take: Take) -> Disconnection:
        """Hand over what comes; see `Connection.receive_all`."""
        return await self._frames.each(lambda frame: take(decode_server_event(frame)))

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """All of it; see `Connection.agreed`."""
        return metadata

    async def close(self) -> None:
        """Close as the user's regular end; see `Connection.close`."""
        self._frames.finish(Disconnection.by_close(ABNORMAL_CLOSURE, None))
        try:
            self._transport.send_close(picows.WSCloseCode(NORMAL_CLOSURE), USER_ENDED)
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._frames.gone.wait()
        finally:
            self._transport.disconnect(graceful=False)
            await self._frames.gone.wait()


class _Wire:
    """The connection below a WebSocket, which picows lets go of where it is cancelled."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    async def connect(self, url: picows.WSParsedURL) -> socket.socket:
        """Connect by whichever of the host's addresses answers first, as aiohttp does."""
        self._socket = await aiohappyeyeballs.start_connection(
            await _addresses(url), happy_eyeballs_delay=NEXT_ADDRESS_S
        )
        return self._socket

    def cut(self) -> None:
        """Let both ends know that it is over: whoever reads closes it then."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


async def _addresses(url: picows.WSParsedURL) -> list[Any]:
    """The host's addresses. Only a name is looked up, which takes a thread."""
    try:
        return socket.getaddrinfo(
            url.host, url.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(
            url.host, url.port, type=socket.SOCK_STREAM
        )


class _Frames(picows.WSListener):
    """What comes from the server, and the end after it. Belongs to one event loop.

    Attributes:
        writable: set while the server takes what is sent.
        gone: set once the connection is down.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()
        self.writable.set()
        self.gone = asyncio.Event()
        self._waiting: deque[Frame] = deque()
        self._changed = asyncio.Event()
        self._end: Disconnection | None = None
        self._take: Callable[[Frame], None] | None = None
        self._failure: Exception | None = None
        self._pieces: list[bytes] = []
        self._is_text = True
        self._paused: picows.WSTransport | None = None
        self._finding_end: asyncio.Task[None] | None = None

    async def next(self) -> Frame | Disconnection:
        """Wait for the next message. The end is given again and again."""
        while not self._waiting:
            if self._end is not None:
                return self._end
            await self._change()
        frame = self._waiting.popleft()
        if self._paused is not None:
            self._paused.underlying_transport.resume_reading()
            self._paused = None
        return frame

    async def each(self, take: Callable[[Frame], None]) -> Disconnection:
        """Hand every message over as it comes, and return the end.

        Raises:
            Exception: what `take` has raised; nothing is handed over after that.
        """
        while self._waiting:
            take(cast(Frame, await self.next()))
        self._take = take
        while self._end is None and self._failure is None:
            await self._change()
        self._take = None
        if self._failure is not None:
            raise self._failure
        assert self._end is not None
        return self._end

    def finish(self, end: Disconnection) -> None:
        """Let nothing follow but the end. The first end stays."""
        if self._end is None:
            self._end = end
            self._changed.set()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """See `picows.WSListener`."""
        kind = frame.msg_type
        if self._end is not None:
            return
        if kind == _TEXT and frame.fin and not self._pieces:
            self._come(transport, self._text(frame.get_payload_as_bytes()))
        elif kind in _MESSAGES:
            self._assemble(transport, frame)
        elif kind == _CLOSE:
            code = frame.get_close_code()
            number = _number_of(code) or NO_STATUS_CLOSURE
            self.finish(Disconnection.by_close(number, frame.get_close_reason()))
            transport.send_close(code)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """See `picows.WSListener`."""
        self.gone.set()
        self.writable.set()
        self._finding_end = asyncio.get_running_loop().create_task(self._find_end(transport))

    def pause_writing(self) -> None:
        """See `picows.WSListener`."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """See `picows.WSListener`."""
        self.writable.set()

    def _assemble(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Put a message together that came in several frames, or in one that is not text."""
        is_first = frame.msg_type != _CONTINUATION
        if is_first == bool(self._pieces):
            raise self._violation(1002, "the frames of a message do not follow one another")
        if is_first:
            self._is_text = frame.msg_type == _TEXT
        self._pieces.append(frame.get_payload_as_bytes())
        if sum(map(len, self._pieces)) > MAX_FRAME_BYTES:
            raise self._violation(1009, f"a message is larger than {MAX_FRAME_BYTES} bytes")
        if frame.fin:
            message = b"".join(self._pieces)
            self._pieces = []
            self._come(transport, self._text(message) if self._is_text else message)

    def _text(self, message: bytes) -> str:
        try:
            return message.decode()
        except UnicodeDecodeError:
            raise self._violation(1007, "a message is no UTF-8") from None

    def _violation(self, code: int, reason: str) -> picows.WSProtocolError:
        """End it, and let picows tell the server."""
        self.finish(Disconnection.by_violation(code, reason))
        return picows.WSProtocolError(picows.WSCloseCode(code), reason)

    def _come(self, transport: picows.WSTransport, message: Frame) -> None:
        if self._failure is not None:
            return
        if self._take is not None:
            try:
                self._take(message)
            except Exception as error:
                self._failure = error
                self._changed.set()
            return
        self._waiting.append(message)
        self._changed.set()
        if len(self._waiting) >= WAITING_LIMIT and self._paused is None:
            self._paused = transport
            transport.underlying_transport.pause_reading()

    async def _find_end(self, transport: picows.WSTransport) -> None:
        try:
            await transport.wait_disconnected()
        except picows.WSProtocolError as error:
            self.finish(Disconnection.by_violation(_number_of(error.code), str(error)))
        except Exception:  # a mistake of ours in what it calls, or of picows: it ends all the same
            logger.exception("a WebSocket failed")
        self.finish(Disconnection.by_close(ABNORMAL_CLOSURE, None))

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _number_of(code: Any) -> int:
    """A code as a plain number: what picows gives is typed as an enumeration, and is none."""
    return int(code)


@functools.cache
def _usual_ssl_context() -> ssl.SSLContext:
    """Made once: it reads all the certificates that the system trusts."""
    return ssl.create_default_context()


def _connection_error(url: str, error: Exception, timeout_s: float) -> SessionConnectionError:
    """A sentence that names the server but not the query, which may hold a signature."""
    if isinstance(error, TimeoutError):
        return too_late(url, timeout_s)
    response = error.response if isinstance(error, picows.WSHandshakeError) else None
    if response is None:
        return unreachable(url, error)
    status = int(response.status)
    return redirected(url) if status in _REDIRECTS else refused(url, status)
