"""One conversation as the agent of a test sees it, over a socket or in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from duologue.protocol.client_messages import ClientMessage, ConversationInitiation
from duologue.protocol.codec import (
    Frame,
    IncomingMessage,
    decode_client_message,
    encode_server_event,
    message_of,
)
from duologue.protocol.server_events import ConversationMetadataEvent, ServerEvent

M = TypeVar("M", bound=ClientMessage)

RECEIVE_LIMIT_S: Final = 5.0
"""How long a script waits for a message of the client unless it says so itself."""

DEFAULT_METADATA: Final = ConversationMetadataEvent(
    conversation_id="conv_scripted",
    agent_output_audio_format="pcm_16000",
    user_input_audio_format="pcm_16000",
)


class ClientGone(Exception):
    """The script waits for a client that has closed the connection."""


class Wire(Protocol):
    """The agent's end of one connection, whatever it runs over."""

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed; None while it is open."""

    async def send(self, frame: Frame) -> None:
        """Send a frame. A client that has gone does not matter."""

    async def receive(self) -> Frame | None:
        """Wait for the client's next frame; None if it has gone. Cancelling loses nothing."""

    async def close(self, code: int, reason: str) -> None:
        """Close the connection. Closing twice is harmless."""

    def vanish(self) -> None:
        """Break the connection off without a close frame."""


class ScriptedCall:
    """One conversation, as its script sees it.

    Attributes:
        query: the query of the URL with which the client came.
        subprotocols: what the client offered.
        received: every message of the client until now, in order.
    """

    def __init__(self, wire: Wire, query: Mapping[str, str], subprotocols: Sequence[str]) -> None:
        self.query = dict(query)
        self.subprotocols = list(subprotocols)
        self.received: list[IncomingMessage] = []
        self._wire = wire
        self._unread: deque[IncomingMessage] = deque()

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed; None while it is open."""
        return self._wire.close_code

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
        await self._wire.send(frame)

    async def receive(self, expected: type[M], within: float = RECEIVE_LIMIT_S) -> M:
        """Wait for the next message of a type; what comes before it is kept in `received`.

        Raises:
            TimeoutError: no such message came within so many seconds.
            ClientGone: the client closed the connection instead.
        """
        async with asyncio.timeout(within):
            while True:
                message = await self.receive_next()
                if isinstance(message, expected):
                    return message

    async def receive_next(self) -> IncomingMessage:
        """Wait for the next message of any kind, garbage included. Cancelling loses nothing.

        Raises:
            ClientGone: the client closed the connection instead.
        """
        if not self._unread:
            await self._read()
        return self._unread.popleft()

    async def wait(self, seconds: float) -> None:
        """Let time pass, less if the client goes. What it sends meanwhile is received later."""
        with suppress(TimeoutError, ClientGone):
            async with asyncio.timeout(seconds):
                while True:
                    await self._read()

    async def receive_until_gone(self) -> None:
        """Take what the client sends until it closes the connection."""
        with suppress(ClientGone):
            while True:
                await self.receive_next()

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a code and a reason."""
        await self._wire.close(code, reason)

    def vanish(self) -> None:
        """Break the connection off without a close frame, as a server that crashes does."""
        self._wire.vanish()

    async def _read(self) -> None:
        frame = await self._wire.receive()
        if frame is None:
            raise ClientGone("the client has gone")
        message = message_of(decode_client_message(frame))
        self.received.append(message)
        self._unread.append(message)
