"""Keeping the screen on, and with it the machine awake, while somebody speaks with an agent."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Final

from duologue.conversation.threads import in_thread

logger = logging.getLogger("duologue")

RELEASE_LIMIT_S: Final = 1.0
"""How long the end of a conversation waits for the system to take the lock back."""


class WakeLock:
    """A lock of the screen, through wakepy where that is installed.

    Its methods belong to the event loop. Nobody depends on the lock: where wakepy is missing, or
    the system refuses, the log of level DEBUG says so, and that is all.
    """

    def __init__(self) -> None:
        self._released = threading.Event()
        self._holding: asyncio.Future[None] | None = None

    def acquire(self) -> None:
        """Ask for the lock, and return at once: the system may take seconds to answer."""
        self._holding = in_thread(self._hold, "duologue wake lock")

    async def release(self) -> None:
        """Give the lock back, if it was acquired, and wait for that at most 1 s.

        One that the system has not granted yet is given back as soon as it is.
        """
        self._released.set()
        if self._holding is None:
            return
        await asyncio.wait([self._holding], timeout=RELEASE_LIMIT_S)
        if not self._holding.done():
            logger.debug("the wake lock has not been given back within %g s", RELEASE_LIMIT_S)
        elif error := self._holding.exception():
            logger.debug("the wake lock failed", exc_info=error)

    def _hold(self) -> None:
        """Hold the lock until it is released: wakepy wants it given back by the same thread."""
        try:
            from wakepy import keep
        except ImportError:
            logger.debug("there is no wake lock: the package wakepy is not installed")
            return
        with keep.presenting(on_fail="pass") as mode:
            if not mode.active:
                logger.debug("there is no wake lock: %s", mode.result.get_failure_text())
                return
            self._released.wait()
