"""Waiting for what another process does, with a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.02


async def eventually(condition: Callable[[], object], what: str, *, limit_s: float = 20.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not hold in time; says what was waited for.
    """
    give_up_at_s = time.monotonic() + limit_s
    while time.monotonic() < give_up_at_s:
        if condition():
            return
        await asyncio.sleep(POLL_S)
    raise TimeoutError(f"this did not happen within {limit_s:g} s: {what}")
