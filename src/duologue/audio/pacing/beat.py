"""What works at the pace of real time without a device: files, arrays, and what else has no clock.

The n-th block is due at the start plus n blocks, however long the work takes, so nothing drifts;
what is late catches up. Time comes from a `Clock`, so tests need not wait; and a `Pace` may do
without threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BLOCK_MS = 10
"""How much sound files and arrays move at a time: as a device does, so that an interruption, which
takes a block and a fade of 5 ms, is over within 15 ms."""

MAX_CATCH_UP_S = 1.0
"""What is later than this (the machine slept) goes on from now, rather than flood its receiver."""

STOP_LIMIT_S = 2.0
"""How long `stop` waits for a block of work that is under way."""


class Clock(Protocol):
    """Where a thread's time comes from, and how it is waited for."""

    def now(self) -> float:
        """Seconds that never go back."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for `seconds`, or less if `stop` is set; tell whether it is."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done once a block.

    Attributes:
        name: for those who debug.
        do: does it for so many blocks, which are one most of the time.
        failed: called with the exception that ended it.
        block_ms: how long a block is.
        loop: an event loop that it may be done in, because it never blocks; None if it may block.
    """

    name: str
    do: Callable[[int], None]
    failed: Callable[[Exception], None]
    block_ms: int = BLOCK_MS
    loop: asyncio.AbstractEventLoop | None = None


class Beat(Protocol):
    """Work that is done once a block, the first time at least one block after the start.

    An exception in the work ends it. `start` and `stop` belong to one thread; `stop` may also be
    called within the work. A beat runs once.
    """

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Do no further block; return when the one under way is done, within a few seconds."""


class Pace(Protocol):
    """What sources and sinks without a device keep."""

    def now(self) -> float:
        """Seconds that never go back."""

    def beat(self, work: Work) -> Beat:
        """Let work be done once a block, once it is started; in which thread depends on the pace.

        What it raises is given to `failed` in that thread.
        """
