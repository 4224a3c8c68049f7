"""Where the agent's server listens: tried before the models are loaded for a port in use."""

from __future__ import annotations

import socket

from duologue.errors import ServerError

BACKLOG = 512
"""How many connections wait to be accepted; a burst of calls is no error."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; close it, or use it with `with`.

    Args:
        host: the address to listen on.
        port: 0 lets the system choose.

    Raises:
        ServerError: the address or port cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; "
            "choose another with --port, or 0 for any that is free"
        ) from error


def url_of(listener: socket.socket) -> str:
    """The URL (`http://…`) at which it listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
