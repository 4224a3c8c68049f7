"""Opening a connection, of whichever kind its URL asks for."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from duologue.connection.base import Connection
from duologue.connection.http.endpoints import MEMORY_SCHEME
from duologue.connection.memory import MemoryConnection
from duologue.connection.webrtc.entry import RoomAccess, RoomSettings
from duologue.connection.websocket.opening import open_websocket


async def open_connection(
    url: str,
    *,
    timeout_s: float,
    subprotocols: tuple[str, ...],
    ssl_context: ssl.SSLContext | None = None,
) -> Connection:
    """Connect to `url` within `timeout_s`. Cancelling releases everything.

    Args:
        subprotocols: what is offered; may have a token in it.
        ssl_context: how TLS is done with a server; None for the usual way.

    Raises:
        SessionConnectionError: the agent cannot be reached, refuses, or takes too long.
    """
    if urlsplit(url).scheme == MEMORY_SCHEME:
        return MemoryConnection.open(url, subprotocols=subprotocols)
    return await open_websocket(
        url, timeout_s=timeout_s, subprotocols=subprotocols, ssl_context=ssl_context
    )


async def open_room(
    access: RoomAccess, *, timeout_s: float, with_sound: bool, settings: RoomSettings
) -> Connection:
    """Join a room within `timeout_s`; see `WebRtcConnection.open`.

    Raises:
        SessionConnectionError: the room cannot be joined, or there is no agent in it.
    """
    # LiveKit's native library is loaded by those who use it.
    from duologue.connection.webrtc.connection import WebRtcConnection

    return await WebRtcConnection.open(
        access, timeout_s=timeout_s, with_sound=with_sound, settings=settings
    )
