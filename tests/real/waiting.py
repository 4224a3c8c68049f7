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
    """Wait until the loop has no task but those that it had before, and a worker's report.

    A worker's line to LiveKit may be made late, or anew, and its load is reported from then on.

    Raises:
        TimeoutError: it still has; says where each of them waits.
    """
    own = {*before, asyncio.current_task()}
    give_up_at_s = time.monotonic() + limit_s
    while left := {task for task in asyncio.all_tasks() - own if not _is_a_report(task)}:
        if time.monotonic() > give_up_at_s:
            where = "\n".join(f"{task!r} at {task.get_stack()}" for task in left)
            raise TimeoutError(f"these tasks have not ended within {limit_s:g} s:\n{where}")
        await asyncio.sleep(POLL_S)


def _is_a_report(task: asyncio.Task[Any]) -> bool:
    # By its name: clients in processes of their own wait with this file, and have no agent.
    return getattr(task.get_coro(), "__qualname__", "") == "Worker._keep_reporting_load"
