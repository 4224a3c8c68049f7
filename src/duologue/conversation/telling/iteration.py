"""Going through a conversation's events with `async for`."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Final, TypeAlias

from duologue.conversation.telling.backlog import Backlog
from duologue.protocol.codec import UnknownEvent
from duologue.protocol.server_events import AudioEvent, ServerEvent

logger = logging.getLogger("duologue")

EVENTS_LIMIT: Final = 1000
"""How many events wait at most for an iterator, and for the first one before it is there."""

Event: TypeAlias = ServerEvent | UnknownEvent


class EventStream:
    """Hands every event to every iterator. Its methods belong to one event loop."""

    def __init__(self) -> None:
        self._earlier: deque[Event] | None = deque(maxlen=EVENTS_LIMIT)
        # An iterator that its loop has left is forgotten, and so is what waits for it.
        self._iterators: weakref.WeakSet[EventIterator] = weakref.WeakSet()
        self._has_any = False
        self._finished = False

    def put(self, event: Event) -> None:
        """Hand an event out. Until the first iterator is there, all but sound is kept for it."""
        if self._earlier is not None and not isinstance(event, AudioEvent):
            self._earlier.append(event)
        if self._has_any:  # to go through a set of weak references takes 2 µs if it is empty
            for iterator in self._iterators:
                iterator.put(event)

    def finish(self) -> None:
        """End every iterator once it has given what waits."""
        self._finished = True
        for iterator in self._iterators:
            iterator.finish()

    def iterate(self) -> EventIterator:
        """An iterator over the events from now on; the first one also gives what was kept."""
        iterator = EventIterator(self._earlier or ())
        self._earlier = None
        self._iterators.add(iterator)
        self._has_any = True
        if self._finished:
            iterator.finish()
        return iterator


class EventIterator:
    """The events of a conversation, in order; it ends with the conversation, without raising."""

    def __init__(self, earlier: Iterable[Event]) -> None:
        self._waiting = Backlog(EVENTS_LIMIT, _is_sound, earlier)
        self._changed = asyncio.Event()
        self._finished = False

    @property
    def dropped(self) -> int:
        """How many events were dropped, because they were not taken in time.

        Of 1,000 that wait, sound goes first, then the oldest.
        """
        return self._waiting.dropped

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._finished:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def put(self, event: Event) -> None:
        """Let an event be given after those that wait."""
        if len(self._waiting) >= EVENTS_LIMIT and not self.dropped:
            logger.warning(
                "%d events wait for an iterator that is too slow; from now on some are dropped",
                EVENTS_LIMIT,
            )
        self._waiting.append(event)
        self._changed.set()

    def finish(self) -> None:
        """Let nothing follow what waits."""
        self._finished = True
        self._changed.set()


def _is_sound(event: Event) -> bool:
    return isinstance(event, AudioEvent)
