"""Opening a WebSocket, of the kind that does best here."""

from __future__ import annotations

import importlib.util
import ssl
from urllib.parse import urlsplit

from duologue.connection.base import Connection
from duologue.connection.http.proxies import way_to
from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.connection.websocket.ends import SUBPROTOCOL

HAS_PICOWS = importlib.util.find_spec("picows") is not None


async def open_websocket(
    url: str,
    *,
    timeout_s: float,
    subprotocols: tuple[str, ...] = (SUBPROTOCOL,),
    ssl_context: ssl.SSLContext | None = None,
    lean: bool | None = None,
) -> Connection:
    """Connect to `url`. Cancelling releases everything.

    Args:
        url: where the conversation is.
        timeout_s: how long the server may take.
        subprotocols: what is offered to it.
        ssl_context: how TLS is done; None for the usual way.
        lean: whether to take picows's sockets where they do: on the direct way, to a URL without
            a user's name. None where they are installed.

    Raises:
        SessionConnectionError: the server cannot be reached, refuses, or takes too long, or
            the proxy of the environment is none.
    """
    way = await way_to(url)
    if lean is None:
        lean = HAS_PICOWS
    if lean and way.is_direct and "@" not in urlsplit(url).netloc:
        from duologue.connection.websocket.picows_socket import LeanWebSocketConnection

        return await LeanWebSocketConnection.open(
            url, timeout_s=timeout_s, subprotocols=subprotocols, ssl_context=ssl_context
        )
    return await WebSocketConnection.open(
        url, timeout_s=timeout_s, subprotocols=subprotocols, ssl_context=ssl_context, way=way
    )
