"""Waiting for what another process does, with a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

POLL_S = 0.02


async def eventually(
    condition: Callable[[], object], what: str, *, limit_s: float = 20.0, poll_s: float = POLL_S
) -> None:
    """Wait until a condition holds, which is looked at every `poll_s`.

    Raises:
        TimeoutError: it did not hold in time; says what was waited for.
    """
    give_up_at_s = time.monotonic() + limit_s
    while time.monotonic() < give_up_at_s:
        if condition():
            return
        await asyncio.sleep(poll_s)
    raise TimeoutError(f"this did not happen within {limit_s:g} s: {what}")


async def until_ended(before: set[asyncio.Task[Any]], *, limit_s: float = 20.0) -> None:
    """Wait until the loop has no task but those that it had before.

    Raises:
        TimeoutError: it still has; says where each of them waits.
    """
    own = {*before, asyncio.current_task()}
    give_up_at_s = time.monotonic() + limit_s
    while left := asyncio.all_tasks() - own:
        if time.monotonic() > give_up_at_s:
            where = "\n".join(f"{task!r} at {task.get_stack()}" for task in left)
            raise TimeoutError(f"these tasks have not ended within {limit_s:g} s:\n{where}")
        await asyncio.sleep(POLL_S)
