"""Whether anything comes from a room's LiveKit server at all.

LiveKit's client takes 15 s to notice that nothing does, and tells nothing of a shorter outage. Who
speaks meanwhile should know sooner that nobody hears it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from livekit import rtc

SILENT_AFTER_S: Final = 4.0
"""So long may nothing come. Of an agent's track something was seen to come every 0.7 s at least,
even in its silence; in a conversation without sound, checks of the connection come every 2 s."""

POLL_S: Final = 0.5
"""A look at LiveKit's statistics takes 1 to 2 ms."""

LOOK_LIMIT_S: Final = 2.0
"""LiveKit may keep its statistics back while it makes a connection anew."""


class Silence:
    """Tells from counts of what has come whether something still comes.

    Args:
        now_s: the time, on any clock that only goes forward.
    """

    def __init__(self, now_s: float) -> None:
        self._received = 0
        self._increased_at_s = now_s

    def lasts(self, received: int | None, now_s: float) -> bool:
        """Whether nothing has come for too long.

        Only more than before has come: LiveKit forgets what it has counted of a connection that
        has failed, which was seen 15 s after the network had gone, and one that is made anew counts
        from 0.

        Args:
            received: how much has come so far; None if that is not known.
            now_s: the time at which that was so.
        """
        if received is not None:
            if received > self._received:
                self._increased_at_s = now_s
            self._received = received
        return now_s - self._increased_at_s >= SILENT_AFTER_S


class SilenceWatch:
    """Watches a room that was joined, until it is closed.

    Args:
        room: the room.
        began: called when nothing has come for `SILENT_AFTER_S`.
        ended: called when something comes again.
    """

    def __init__(
        self, room: rtc.Room, began: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        self._room = room
        self._began = began
        self._ended = ended
        self._task = asyncio.create_task(self._watch(), name="duologue watch room")

    async def close(self) -> None:
        """Watch no more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        silence = Silence(loop.time())
        was_silent = False
        while True:
            await asyncio.sleep(POLL_S)
            is_silent = silence.lasts(await self._received(), loop.time())
            if is_silent != was_silent:
                was_silent = is_silent
                (self._began if is_silent else self._ended)()

    async def _received(self) -> int | None:
        with suppress(RuntimeError, TimeoutError):  # it is not connected, or is just being so
            async with asyncio.timeout(LOOK_LIMIT_S):
                return received_in(await self._room.get_rtc_stats())
        return None


def received_in(stats: rtc.RtcStats) -> int:
    """How much has come according to LiveKit: packets, and ICE's checks of the connection."""
    pairs = (
        entry.candidate_pair.candidate_pair
        for entry in (*stats.publisher_stats, *stats.subscriber_stats)
        if entry.HasField("candidate_pair")
    )
    return sum(
        pair.packets_received + pair.requests_received + pair.responses_received for pair in pairs
    )
