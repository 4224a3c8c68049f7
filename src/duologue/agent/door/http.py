"""Connections as they come in: their number, and the heads of their requests."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from duologue.agent.door.lingering import close_lingering
from duologue.agent.door.visitors import UNKNOWN, Visitors
from duologue.agent.limits import DoorLimits

LONGEST_LINE_BYTES: Final = 8000
"""The WebSocket's library takes 8,192 with the line's end, and gives no answer to more."""


class HttpDoor(H11Protocol):
    """uvicorn's protocol, with bounds. A WebSocket begins here, too.

    Args:
        limits: those bounds.
        visitors: who is connected.
        options: see `uvicorn.protocols.http.h11_impl.H11Protocol`.
    """

    def __init__(self, *, limits: DoorLimits, visitors: Visitors, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._visitors = visitors
        self._head_bytes = 0
        self._awaits_head = True
        self._deadline: asyncio.TimerHandle | None = None
        self._is_refused = False

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else UNKNOWN

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(cast(asyncio.Transport, transport))
        if refusal := self._visitors.enter(transport, self._address):
            self._refuse(*refusal)
            return
        self._deadline = self.loop.call_later(self._limits.head_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._forget_deadline()
        self._visitors.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._is_refused or self.transport.is_closing():
            return
        if not self._awaits_head:
            super().data_received(data)
            return
        if not self._head_bytes and self._deadline is None:  # the next request, on a kept one
            self._deadline = self.loop.call_later(self._limits.head_s, self._head_is_late)
        room = max(0, self._limits.head_bytes - self._head_bytes)
        self._head_bytes += len(data)
        super().data_received(data[:room])
        if len(data) <= room or self.transport.is_closing():
            return
        if self._awaits_head:
            self._refuse(431, f"A head of more than {self._limits.head_bytes} bytes.")
        else:  # it may be a WebSocket by now
            protocol = cast(asyncio.Protocol, self.transport.get_protocol())
            protocol.data_received(data[room:])

    def _should_upgrade(self) -> bool:
        """Called by uvicorn once for each head, when it is complete."""
        self._awaits_head = False
        self._forget_deadline()
        problem = self._problem_of_head()
        if problem is None:
            return super()._should_upgrade()
        self._visitors.tell(self._address, problem)
        self.app = _Refusal(431, problem)
        return False

    def on_response_complete(self) -> None:
        """Called by uvicorn at the end of a response: another request may follow."""
        self._awaits_head, self._head_bytes = True, 0
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what is no HTTP, which h11 also says of a head that is too large.

        What has been answered already, or is being answered, is not answered again.
        """
        self._forget_deadline()
        self._visitors.tell(self._address, msg)
        if self.cycle is None or self.cycle.response_complete:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def _problem_of_head(self) -> str | None:
        limits = self._limits
        if len(self.headers) > limits.headers:
            return f"A request with {len(self.headers)} headers; {limits.headers} are taken."
        size = sum(len(name) + len(value) + 4 for name, value in self.headers)
        size += len(self.scope["raw_path"]) + len(self.scope["query_string"])
        if size > limits.head_bytes:
            return f"A head of {size} bytes; {limits.head_bytes} are taken."
        longest = max((len(name) + len(value) for name, value in self.headers), default=0)
        if longest > LONGEST_LINE_BYTES:
            return f"A header of {longest} bytes; {LONGEST_LINE_BYTES} are taken."
        return None

    def _head_is_late(self) -> None:
        self._deadline = None
        if not self._head_bytes:
            self._visitors.tell(self._address, "nothing was asked")
            self.transport.close()
        else:
            self._refuse(408, f"No complete request within {self._limits.head_s:g} s.")

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer without asking the application, and close."""
        self._forget_deadline()
        self._visitors.tell(self._address, sentence)
        self._is_refused = True
        body = sentence.encode()
        self.transport.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "content-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        close_lingering(self.loop, self.transport)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Refusal:
    """An application that says one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self._status = status
        self._body = sentence.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(self._body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
