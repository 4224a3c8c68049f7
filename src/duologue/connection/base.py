"""What a conversation asks of its connection, whichever transport that is."""

from __future__ import annotations

from typing import Protocol

from duologue.dialogue.values import Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Incoming


class Connection(Protocol):
    """An open way to an agent and back."""

    async def send(self, message: ClientMessage) -> None:
        """Send a message; on a connection that is closing, do nothing.

        One task at a time may call this. Cancelling it may lose the message.
        """
        ...

    async def receive(self) -> Incoming | Disconnection:
        """Wait for what comes next; a `Disconnection` is the last.

        One task at a time may call this. Cancelling it loses nothing.
        """
        ...

    async def close(self) -> None:
        """Close as the user's regular end, and release everything, within a few seconds.

        Closing twice is harmless. A `receive` that waits gets a `Disconnection`.
        """
        ...
