"""What a conversation asks of its connection, whichever transport that is."""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

from duologue.dialogue.values import ConnectionNotice, Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Incoming
from duologue.protocol.server_events import ConversationMetadataEvent

Received: TypeAlias = Incoming | ConnectionNotice
"""What comes in while a connection is open."""

MESSAGE_MS: Final = 20
"""So much sound goes into one message. More would come later; less costs a message more often."""


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

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """What holds here of what the server has said: id and formats may be the transport's."""
        ...

    async def close(self) -> None:
        """Close as the user's regular end, and release everything, within a few seconds.

        Closing twice is harmless. A `receive` that waits gets a `Disconnection`.
        """
        ...
