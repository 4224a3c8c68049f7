"""Which clock a conversation goes by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """The time of an event loop, in seconds, as it may be asked from any thread.

    asyncio's own loops read the machine's clock each time they are asked, and those derived from
    them may have a time of their own, as in tests. Other loops keep what they have read until they
    next wait: too coarse for the moments that sound devices report. They, too, go by the machine's
    monotonic clock, so that is asked itself.
    """
    return loop.time if isinstance(loop, asyncio.BaseEventLoop) else time.monotonic
