"""What the server sends before the conversation runs: the metadata, and whatever comes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from duologue.connection.base import Connection, Received
from duologue.dialogue.values import Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import MalformedEvent, message_of
from duologue.protocol.server_events import ConversationMetadataEvent, ErrorEvent

PRELUDE_LIMIT: Final = 1000
"""How many events are kept at most; beyond it the server has to wait until the session runs."""


METADATA: Final = ConversationMetadataEvent.TYPE


class Prelude:
    """Receives while a session starts, so that nothing is lost while devices are being opened.

    Attributes:
        received: all that has come, in order, the metadata included.
        disconnection: how the connection ended meanwhile, or None.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.received: list[Received] = []
        self.disconnection: Disconnection | None = None
        self._metadata: asyncio.Future[ConversationMetadataEvent] = asyncio.Future()
        self._task = asyncio.create_task(self._receive(), name="duologue prelude")

    async def __aenter__(self) -> Prelude:
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Receive no more. What was received stays in `received`."""
        if self._metadata.done():
            self._metadata.exception()  # it may never have been asked for
        self._task.cancel()
        await asyncio.wait([self._task])

    async def metadata(
        self, opening: Iterable[ClientMessage], deadline_s: float
    ) -> ConversationMetadataEvent:
        """Send the first messages, and wait for the metadata, whatever comes before it.

        Args:
            opening: what the server is to know first, in order; the initiation last.
            deadline_s: how long, by the clock of the event loop.

        Raises:
            SessionConnectionError: the server ended the session first, took too long, or sent
                metadata that make no sense.
        """
        either: list[asyncio.Future[Any]] = [self._metadata, self._task]
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                for message in opening:
                    await self._connection.send(message)
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._metadata.done() and self._metadata.exception() is not None:
            return self._metadata.result()  # which raises
        if not (self._metadata.done() and self.ended_regularly):
            self.raise_if_ended()
        if self._metadata.done():
            return self._metadata.result()
        raise SessionConnectionError(
            "the server accepted the connection but did not say how the conversation is to go "
            "(no conversation_initiation_metadata, or not in time); is it an agent's server? "
            "If it is only slow, raise `connect_timeout`"
        )

    @property
    def ended_regularly(self) -> bool:
        """True if the server has said all it had to say, and has ended it without an error."""
        return (
            self.disconnection is not None
            and self.disconnection.reason == "agent"
            and not any(isinstance(message_of(event), ErrorEvent) for event in self.received)
        )

    def raise_if_ended(self) -> None:
        """Raise what ended the session, if something did.

        Raises:
            SessionConnectionError: with the server's own words, where it gave any.
        """
        if self._task.done() and not self._task.cancelled():
            self._task.result()  # a mistake of ours is raised as it is
        if self.disconnection is None:
            return
        raise SessionConnectionError(
            f"the server ended the session while it was starting: {self._reason()}",
            close_code=self.disconnection.close_code,
            close_reason=self.disconnection.close_reason,
        )

    async def _receive(self) -> None:
        while len(self.received) < PRELUDE_LIMIT:
            event = await self._connection.receive()
            if isinstance(event, Disconnection):
                self.disconnection = event
                return
            self.received.append(event)
            message = message_of(event)
            if self._metadata.done():
                continue
            if isinstance(message, ConversationMetadataEvent):
                self._metadata.set_result(message)
            elif isinstance(message, MalformedEvent) and message.type == METADATA:
                self._metadata.set_exception(_unreadable(message))

    def _reason(self) -> str:
        """The close reason; without one, the last error event; without one, what is known."""
        assert self.disconnection is not None
        if self.disconnection.close_reason:
            return self.disconnection.close_reason
        for event in map(message_of, reversed(self.received)):
            if isinstance(event, ErrorEvent) and event.message:
                return event.message
        departure: str | None = self.disconnection.context.get("reason")
        return self.disconnection.message or departure or "it closed the connection regularly"


def _unreadable(metadata: MalformedEvent) -> SessionConnectionError:
    return SessionConnectionError(
        "the server has said how the conversation is to go, but that cannot be read: "
        f"{metadata.reason}"
    )
