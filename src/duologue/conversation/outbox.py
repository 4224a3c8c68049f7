"""What waits to be sent. Any thread may put something in; one task sends it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from duologue.errors import ConversationEnded, SendQueueFull
from duologue.protocol.client_messages import ClientMessage, UserAudioChunk

CONTROL_LIMIT: Final = 1024
"""How many messages wait at most, microphone sound apart."""


class Outbox:
    """A bounded queue of messages to the server.

    Control messages go before sound. Of the sound that waits, the oldest is dropped once there is
    more than `audio_limit` chunks: a server that reads too slowly hears the present, not the past.

    Attributes:
        dropped_audio: how many chunks of microphone sound were dropped.

    Args:
        audio_limit: how many chunks of microphone sound wait at most.
    """

    def __init__(self, audio_limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_thread_id = threading.get_ident()
        self._lock = threading.Lock()
        self._control: deque[ClientMessage] = deque()
        self._audio: deque[UserAudioChunk] = deque()
        self._audio_limit = audio_limit
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._is_open = False
        self._closed = False
        self.dropped_audio = 0

    @property
    def is_clear(self) -> bool:
        """Whether messages are being sent and none waits: one more may go without being queued.

        For the event loop.
        """
        return (
            self._is_open
            and not self._closed
            and self._emptied.is_set()
            and not self._control
            and not self._audio
        )

    def put(self, message: ClientMessage) -> None:
        """Queue a message. May be called from any thread.

        Raises:
            ConversationEnded: the conversation is over.
            SendQueueFull: 1,024 messages wait already.
        """
        with self._lock:
            if self._closed:
                raise _ended(message)
            if isinstance(message, UserAudioChunk):
                self._put_audio(message)
            elif len(self._control) >= CONTROL_LIMIT:
                raise SendQueueFull(
                    f"{CONTROL_LIMIT} messages wait to be sent already; the server does not take "
                    "them, so wait before sending more, or end the session"
                )
            else:
                self._control.append(message)
        try:
            self._notify()
        except RuntimeError:  # the event loop has closed with the conversation
            raise _ended(message) from None

    async def send_all(self, send: Callable[[ClientMessage], Awaitable[None]]) -> None:
        """Send what waits, and what is put in later, until cancelled."""
        self._is_open = True
        while True:
            await self._filled.wait()
            self._filled.clear()
            while (message := self._take()) is not None:
                await send(message)
            self._emptied.set()

    def close(self) -> None:
        """Take nothing more. Sound that waits is dropped: the agent will not listen to it."""
        with self._lock:
            self._closed = True
            self._audio.clear()

    async def flush(self, limit_s: float) -> None:
        """Wait at most `limit_s` until all has been sent."""
        if self._control:
            self._wake()  # what another thread put in may not have been announced yet
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._emptied.wait()

    def _put_audio(self, chunk: UserAudioChunk) -> None:
        if len(self._audio) >= self._audio_limit:
            self._audio.popleft()
            self.dropped_audio += 1
        self._audio.append(chunk)

    def _take(self) -> ClientMessage | None:
        with self._lock:
            if self._control:
                return self._control.popleft()
            return self._audio.popleft() if self._audio else None

    def _notify(self) -> None:
        if threading.get_ident() == self._loop_thread_id:
            self._wake()
        else:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._emptied.clear()
        self._filled.set()


def _ended(message: ClientMessage) -> ConversationEnded:
    kind = message.TYPE or "sound"
    return ConversationEnded(f"a {kind} message cannot be sent: the conversation has ended")
