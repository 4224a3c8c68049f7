"""Who may begin to speak: the agent waits a little while the user is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Floor:
    """Holds the agent back for a while after each sign of the user's activity.

    It keeps the agent from beginning; what it has begun to say goes on.

    Args:
        hold_s: for how long after the latest sign.
        now_s: a clock that never goes back.
    """

    def __init__(self, hold_s: float, now_s: Callable[[], float]) -> None:
        self._hold_s = hold_s
        self._now_s = now_s
        self._free_at_s = 0.0

    @property
    def free_at_s(self) -> float:
        """From when on the agent may begin, on the clock's time."""
        return self._free_at_s

    def hold(self) -> None:
        """Take a sign of activity."""
        self._free_at_s = self._now_s() + self._hold_s

    async def wait_free(self) -> None:
        """Return when the agent may begin; activity meanwhile makes it longer."""
        wait_s = self._free_at_s - self._now_s()
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            wait_s = self._free_at_s - self._now_s()
