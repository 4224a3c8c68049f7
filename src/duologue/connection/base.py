"""What a conversation asks of its connection, whichever transport that is."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from duologue.dialogue.values import ConnectionNotice, Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Incoming
from duologue.protocol.server_events import ConversationMetadataEvent

Received: TypeAlias = Incoming | ConnectionNotice
"""What comes in while a connection is open."""

MESSAGE_MS: Final = 20
"""So much sound goes into one message. More would come later; less costs a message more often."""


Take: TypeAlias = Callable[[Received], None]
"""Acts on what has come."""

READ_AT_ONCE: Final = 50
"""Of messages that are here already so many are acted on before the loop does something else."""


async def each_received(
    receive: Callable[[], Awaitable[Received | Disconnection]], take: Take
) -> Disconnection:
    """Hand over what is received until the end, and return that: a `Connection.receive_all`."""
    for count in itertools.count(1):
        received = await receive()
        if isinstance(received, Disconnection):
            return received
        take(received)
        if count % READ_AT_ONCE == 0:
            await asyncio.sleep(0)
    raise AssertionError  # the count has no end


class Connection(Protocol):
    """An open way to an agent and back.

    Attributes:
        chunk_ms: how much of the user's sound goes at once, unless the caller wants otherwise.
        start_ms: how much of the agent's sound has to wait here before playing begins, against
            sound that is late; see `duologue.audio.playout.jitter_buffer`.
    """

    chunk_ms: int
    start_ms: int

    async def send(self, message: ClientMessage) -> None:
        """Send a message; on a connection that is closing, do nothing.

        One task at a time may call this. Cancelling it may lose the message.
        """
        ...

    def send_at_once(self, message: ClientMessage) -> bool:
        """Send a message if that takes no waiting; false if it would, and then nothing was sent.

        Only while no `send` is under way. On a connection that is closing it does nothing.
        """
        ...

    async def receive(self) -> Received | Disconnection:
        """Wait for what comes next; a `Disconnection` is the last.

        One task at a time may call this. Cancelling it loses nothing.
        """
        ...

    async def receive_all(self, take: Take) -> Disconnection:
        """Hand over everything that comes, in order, as it comes; return the end.

        It takes the place of `receive` for good. What `take` raises is raised here. Cancelling it
        may lose what comes afterwards.
        """
        ...

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """What holds here of what the server has said: id and formats may be the transport's."""
        ...

    async def close(self) -> None:
        """Close as the user's regular end, and release everything, within a few seconds.

        Closing twice is harmless. A `receive` that waits gets a `Disconnection`.
        """
        ...
