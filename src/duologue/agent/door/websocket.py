"""WebSockets: how much may come, how much may be left unread, and their end."""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duologue.agent.allowance import Allowance
from duologue.agent.call.ends import POLICY
from duologue.agent.door.lingering import close_lingering
from duologue.agent.door.visitors import UNKNOWN, Visitors
from duologue.agent.limits import DoorLimits

CLOSING_LIMIT_S: Final = 10.0
"""How long a connection may take to end after its call."""

AT_ONCE_BYTES: Final = 4096
"""So much is read before it is counted: of the smallest frames that is 5 ms of work."""


class WebSocketDoor(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with bounds.

    Its connection ends with its call, even if the client takes nothing any more: left to itself, a
    connection that is closing waits for as long as there is something to write.

    Args:
        limits: those bounds.
        visitors: who is connected.
        options: see `uvicorn.protocols.websockets.websockets_sansio_impl`.
    """

    def __init__(self, *, limits: DoorLimits, visitors: Visitors, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._visitors = visitors
        now_s = self.loop.time()
        self._frames = Allowance(limits.frames_per_s, limits.frames_at_once, now_s)
        self._bytes = Allowance(limits.bytes_per_s, limits.bytes_at_once, now_s)
        self._came = 0
        self._is_refused = False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._visitors.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        for start in range(0, len(data), AT_ONCE_BYTES):
            if self._is_refused:
                return
            piece = data[start : start + AT_ONCE_BYTES]
            self._came = 0
            super().data_received(piece)
            self._check(len(piece))

    def handle_events(self) -> None:
        """Called by uvicorn when frames may be there; they are counted on their way."""
        self._came += len(self.conn.events)
        super().handle_events()

    async def run_asgi(self) -> None:
        """Called by uvicorn when the handshake has come."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CLOSING_LIMIT_S, self.transport.abort)

    def _check(self, size: int) -> None:
        now_s, limits = self.loop.time(), self._limits
        if not self._frames.take(self._came, now_s):
            self._refuse(f"more than {limits.frames_per_s:g} frames a second")
        elif not self._bytes.take(size, now_s):
            self._refuse(f"more than {limits.bytes_per_s:g} bytes a second")
        elif self.transport.get_write_buffer_size() > limits.unread_bytes:
            self._visitors.tell(self._address, "reads nothing of what it is sent")
            self._is_refused = True
            self.transport.abort()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else UNKNOWN

    def _refuse(self, what: str) -> None:
        """Close, and read nothing more."""
        self._is_refused = True
        self._visitors.tell(self._address, what)
        if not self.handshake_complete or self.close_sent:
            self.transport.abort()
            return
        self.conn.fail(POLICY, f"The client sends {what}")
        self._end()

    def handle_parser_exception(self) -> None:
        """Called by uvicorn for what is no WebSocket, and for too large a message."""
        end = self.conn.close_sent
        if end is None:  # it was not open yet
            self.transport.abort()
            return
        self._visitors.tell(self._address, end.reason or f"close code {end.code}")
        self._end()

    def _end(self) -> None:
        """Send the close that the connection has for the client, and read nothing more."""
        end = self.conn.close_sent
        assert end is not None
        self._is_refused = True
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": end.code, "reason": end.reason}
        )
        close_lingering(self.loop, self.transport)
