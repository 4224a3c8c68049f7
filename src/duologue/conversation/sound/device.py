"""A source or sink, started and stopped for a conversation without ever blocking it.

Opening a device takes a moment, and a driver may hang. So each call has a thread of its own, which
the event loop waits for at most a limited time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from duologue.conversation.threads import in_thread
from duologue.errors import DeviceError

logger = logging.getLogger("duologue")

OPENING_LIMIT_S: Final = 10.0
"""How long a device may take to open: a Bluetooth headset takes some seconds."""

CLOSING_LIMIT_S: Final = 3.0
"""How long a device may take to close: the sources and sinks of this library take 2 s at most."""


class Device:
    """One source or sink. Its methods belong to the event loop, one call at a time.

    Args:
        name: `microphone` or `speaker`, for messages.
        start: begins the sound; may block.
        stop: ends it, from any thread; may block.
    """

    def __init__(self, name: str, start: Callable[[], None], stop: Callable[[], None]) -> None:
        self._name = name
        self._start = start
        self._stop = stop
        self._lock = threading.Lock()
        self._runs = False
        self._wanted = False

    async def open(self, limit_s: float = OPENING_LIMIT_S) -> None:
        """Start the device. Cancelling waits until it has answered, and stops it again.

        Raises:
            DeviceError: it has not opened within `limit_s`; once it does, it is stopped again.
            Exception: whatever `start` raises.
        """
        self._wanted = True
        opening = in_thread(self._start_if_wanted, f"duologue {self._name} start")
        try:
            await asyncio.wait([opening], timeout=limit_s)
        except asyncio.CancelledError:
            await asyncio.wait([opening], timeout=limit_s)
            await self.close()
            raise
        if opening.done():
            return opening.result()
        await self.close()
        raise DeviceError(
            f"the {self._name} did not open within {limit_s:g} s; "
            "see whether another program holds it, or choose another"
        )

    def close(self, limit_s: float = CLOSING_LIMIT_S) -> Awaitable[None]:
        """Stop the device if it runs; the result waits for that, at most `limit_s`.

        The call itself begins it, so whoever is cancelled while waiting leaves nothing running. A
        device that is still being opened is stopped by its own thread afterwards. What `stop`
        raises is logged.
        """
        with self._lock:
            self._wanted = False
            runs, self._runs = self._runs, False
        closing = in_thread(self._stop, f"duologue {self._name} stop") if runs else None
        return self._closed(closing, limit_s)

    async def _closed(self, closing: asyncio.Future[None] | None, limit_s: float) -> None:
        if closing is None:
            return
        await asyncio.wait([closing], timeout=limit_s)
        if not closing.done():
            logger.warning("the %s has not stopped within %g s", self._name, limit_s)
        elif error := closing.exception():
            logger.error("the %s could not be stopped", self._name, exc_info=error)

    def _start_if_wanted(self) -> None:
        self._start()
        with self._lock:
            runs = self._runs = self._wanted
        if not runs:
            self._stop()
