"""What carries a call's events to the client, and the queue in front of it.

Whatever happens in a conversation is told by plain calls, which cannot wait; a client on a slow
line can only be told one thing after another. The outbox is between the two: bounded in number
and in time, so that a client that stops reading ends its own call and no other.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, Protocol

from duologue.agent.call.ends import CLIENT_GONE, NOT_READING, CallEnd
from duologue.agent.call.sound.hearing import Hearing
from duologue.agent.call.sound.playback import VoiceListener
from duologue.agent.limits import CallLimits
from duologue.protocol.server_events import AudioEvent, PingEvent, ServerEvent, VadScoreEvent

logger = logging.getLogger("duologue.agent.call")

_TOO_MANY_TO_LOG = (AudioEvent, VadScoreEvent, PingEvent)


class Carrier(Protocol):
    """How events travel: a WebSocket, or the data channel of a room."""

    async def send(self, event: ServerEvent) -> None:
        """Hand one event over; return when the line can take the next.

        Raises:
            ConnectionError: the client has gone.
        """
        ...

    async def close(self, code: int, reason: str) -> None:
        """End the call. Does nothing if the client has gone already."""
        ...


class Tracks(Protocol):
    """Sound that travels beside the messages, as it does in a room.

    Attributes:
        AUDIO_FORMAT: how the sound of both sides travels, and what the voice's listener gets.
        HEARING_FORMAT: what `hearing` is given.
    """

    AUDIO_FORMAT: ClassVar[str]
    HEARING_FORMAT: ClassVar[str]

    async def open(self, hearing: Hearing) -> None:
        """Let the user's sound flow, and return when the user can hear the agent."""
        ...

    def voice(self, listener: VoiceListener) -> VoiceListener:
        """What takes the agent's voice, and tells the listener of everything but the sound."""
        ...


class Outbox:
    """Sends events in order, each within a limit.

    Run `deliver` as a task. It returns why the call is over once the client cannot be reached,
    and otherwise goes on until it is cancelled.
    """

    def __init__(self, carrier: Carrier, limits: CallLimits) -> None:
        self._carrier = carrier
        self._send_s = limits.send_s
        self._waiting: asyncio.Queue[ServerEvent] = asyncio.Queue()
        self._most_waiting = limits.events_waiting
        self._has_overflowed = False
        self._is_shut = False

    def put(self, event: ServerEvent) -> None:
        """Queue an event. Too many of them mean that the client does not read: the call ends."""
        if self._is_shut:
            return
        if self._waiting.qsize() >= self._most_waiting:
            self._has_overflowed = True
            return
        self._waiting.put_nowait(event)
        if not isinstance(event, _TOO_MANY_TO_LOG):
            logger.debug("sends %s", event)

    async def deliver(self) -> CallEnd:
        """Send what is queued and what will be, until the client is gone or does not read."""
        while not self._has_overflowed:
            try:
                await self._send(await self._waiting.get())
            except ConnectionError:
                return CLIENT_GONE
            except TimeoutError:
                return NOT_READING
        return NOT_READING

    def shut(self) -> None:
        """Take no further events: what the session does while it closes is of no interest."""
        self._is_shut = True

    async def flush(self) -> None:
        """Send what is queued, after `deliver` was cancelled.

        Raises:
            ConnectionError: the client has gone.
            TimeoutError: the client does not read.
        """
        while not self._waiting.empty():
            await self._send(self._waiting.get_nowait())

    async def _send(self, event: ServerEvent) -> None:
        async with asyncio.timeout(self._send_s):
            await self._carrier.send(event)
