"""How long a message takes to the client and back. Without I/O."""

from __future__ import annotations

import math
from collections import OrderedDict

from duologue.protocol.server_events import PingEvent

MOST_UNANSWERED = 16
"""Older pings are forgotten: their pong, if it ever comes, says nothing about now."""


class RoundTrip:
    """Makes pings and measures by their pongs. All times in milliseconds of one clock."""

    def __init__(self) -> None:
        self._sent_ms: OrderedDict[int, float] = OrderedDict()
        self._latest_ms: float | None = None

    @property
    def one_way_ms(self) -> float:
        """Half of the latest round trip, or 0 before the first is known."""
        return (self._latest_ms or 0.0) / 2

    def ping(self, event_id: int, now_ms: float) -> PingEvent:
        """The next ping, which tells the client what the pongs before it measured."""
        self._sent_ms[event_id] = now_ms
        if len(self._sent_ms) > MOST_UNANSWERED:
            self._sent_ms.popitem(last=False)
        # Rounded up: the official Python SDK takes 0 for "not measured", and reports nothing.
        measured_ms = None if self._latest_ms is None else math.ceil(self._latest_ms)
        return PingEvent(event_id=event_id, ping_ms=measured_ms)

    def pong(self, event_id: int | None, now_ms: float) -> None:
        """Take a pong; one that answers no ping is ignored."""
        sent_ms = None if event_id is None else self._sent_ms.pop(event_id, None)
        if sent_ms is not None:
            self._latest_ms = now_ms - sent_ms
