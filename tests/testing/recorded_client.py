"""The agent's end of a call whose client has sent already what it will send."""

from __future__ import annotations

import asyncio
from collections import deque

from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Frame, encode_client_message


class RecordedClient:
    """A client that is silent after its messages, or goes. See `scripted_call.Wire`."""

    def __init__(self, *messages: ClientMessage, goes: bool = False) -> None:
        self.taken: list[Frame] = []
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.vanished = False
        self._frames = deque(encode_client_message(message) for message in messages)
        self._goes = goes

    async def send(self, frame: Frame) -> None:
        self.taken.append(frame)

    async def receive(self) -> Frame | None:
        if not self._frames and not self._goes:
            await asyncio.Event().wait()
        return self._frames.popleft() if self._frames else None

    async def close(self, code: int, reason: str) -> None:
        self.close_code, self.close_reason = code, reason

    def vanish(self) -> None:
        self.vanished = True
