"""Waiting until the agent's current answer has been heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress


class AnswerWatch:
    """Lets any number of tasks wait for the end of an answer. Belongs to one event loop.

    Args:
        over_at_ms: from when on the answer is over, or None while more is to come.
        now_ms: the time by the same clock.
    """

    def __init__(self, over_at_ms: Callable[[], float | None], now_ms: Callable[[], float]) -> None:
        self._over_at_ms = over_at_ms
        self._now_ms = now_ms
        self._waiting: set[asyncio.Event] = set()

    def happened(self) -> None:
        """Something has happened that may have changed it."""
        for event in self._waiting:
            event.set()

    async def wait(self) -> None:
        """Wait until the answer is over, at once if there is none; has no limit of its own."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while True:
                changed.clear()
                over_at_ms, now_ms = self._over_at_ms(), self._now_ms()
                if over_at_ms is not None and over_at_ms <= now_ms:
                    return
                wait_s = None if over_at_ms is None else (over_at_ms - now_ms) / 1000
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await changed.wait()
        finally:
            self._waiting.discard(changed)
