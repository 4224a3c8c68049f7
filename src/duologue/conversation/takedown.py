"""Taking down what a session has built up, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("duologue")


async def take_each(*steps: Callable[[], Awaitable[None]]) -> None:
    """Take every step, one after another, even if another fails or is cut short.

    A loop that shuts down cancels what it runs: a step is cut short then, and the next one is taken
    all the same, because a device must not be left running.
    """
    for step in steps:
        try:
            await step()
        except asyncio.CancelledError:
            logger.warning(
                "a step of the session's end was cut short; the others are taken all the same"
            )
        except Exception:
            logger.exception(
                "a step of the session's end failed; the others are taken all the same"
            )
