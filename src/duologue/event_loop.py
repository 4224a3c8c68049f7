"""The event loops of programs that are ours to start: the quickest that is installed."""

from __future__ import annotations

import asyncio
from typing import Any


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop's where that is installed (the extra `speed`), or else asyncio's own."""
    uvloop: Any
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
