"""What has come in from a room and waits to be received; a room cannot be told to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from duologue.connection.base import Received
from duologue.dialogue.values import Disconnection
from duologue.protocol.server_events import AudioEvent

MESSAGES_LIMIT: Final = 10_000
"""So many messages wait at most; a program that falls further behind has stopped receiving."""

SOUND_LIMIT: Final = 1000
"""So many pieces of sound wait at most, 20 s of it: more than opening a slow device takes."""


class Arrivals:
    """A bounded queue in the order of arrival, and the end after it.

    Beyond `SOUND_LIMIT` sound that arrives is dropped; beyond `MESSAGES_LIMIT` the end follows.

    Attributes:
        end: what follows the last arrival; None while more may come.
    """

    def __init__(self) -> None:
        self.end: Disconnection | None = None
        self._waiting: deque[Received] = deque()
        self._sounds = 0
        self._changed = asyncio.Event()

    def put(self, arrival: Received) -> None:
        """Let something follow; after the end, do nothing."""
        if self.end is not None:
            return
        if isinstance(arrival, AudioEvent):
            if self._sounds >= SOUND_LIMIT:
                return
            self._sounds += 1
        elif len(self._waiting) - self._sounds >= MESSAGES_LIMIT:
            self.finish(
                Disconnection.by_loss(
                    f"the program has not taken {MESSAGES_LIMIT} messages of the agent's; does "
                    "something keep its event loop from running?"
                )
            )
            return
        self._waiting.append(arrival)
        self._changed.set()

    def finish(self, end: Disconnection) -> None:
        """Let nothing follow but the end. The first end stays."""
        if self.end is None:
            self.end = end
            self._changed.set()

    async def take(self) -> Received | Disconnection:
        """Wait for what comes next. The end is given again and again."""
        while not self._waiting:
            if self.end is not None:
                return self.end
            self._changed.clear()
            await self._changed.wait()
        arrival = self._waiting.popleft()
        if isinstance(arrival, AudioEvent):
            self._sounds -= 1
        return arrival
