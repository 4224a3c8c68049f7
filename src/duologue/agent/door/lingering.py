"""Closing a connection on which more may still come."""

from __future__ import annotations

import asyncio
from typing import Final

LINGER_S: Final = 1.0
"""So long what still comes is taken and thrown away (as RFC 9112, section 9.6, advises)."""


def close_lingering(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
    """Say no more, and close a second later.

    A connection that is closed at once, with something unread, is reset, and what was just said is
    lost with it. Whoever calls this throws away what comes from now on.
    """
    if transport.can_write_eof():
        transport.write_eof()
    loop.call_later(LINGER_S, transport.abort)
