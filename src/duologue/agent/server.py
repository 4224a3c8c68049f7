"""Running the agent's server: its socket, its readiness, its end."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable
from typing import IO

import uvicorn
from starlette.types import ASGIApp

from duologue.errors import ServerError

logger = logging.getLogger("duologue.agent.server")

LARGEST_FRAME_BYTES = 16 * 1024 * 1024
"""A call ends in good order at 1 MiB already; this is where the connection is cut."""
SHUTDOWN_LIMIT_S = 5
BACKLOG = 512


def run_server(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    ready: Callable[[str], None],
    parent: IO[bytes] | None = None,
) -> None:
    """Serve until interrupted (Ctrl-C, SIGTERM), or until `parent` ends. Blocks.

    Args:
        app: what to serve.
        host: the address to listen on.
        port: 0 lets the system choose.
        ready: called with the server's URL (`http://…`) once it answers.
        parent: a pipe whose other end is held by the process that started this one; at its end
            the server stops, so that it cannot outlive that process.

    Raises:
        ServerError: the address or port cannot be listened on, or the start failed.
    """
    with _listen(host, port) as listener:
        server = _AnnouncedServer(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                # Speech hardly compresses, and compressing costs more than all the rest.
                ws_per_message_deflate=False,
                ws="websockets-sansio",
                ws_max_size=LARGEST_FRAME_BYTES,
                timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
            ),
            lambda: ready(_url(listener)),
        )
        if parent is not None:
            _stop_at_end_of(parent, server)
        server.run(sockets=[listener])
    if not server.started:
        raise ServerError("the agent's server could not start; the lines above say why")


def announce(url: str) -> None:
    """Print the one line by which a program that started this server learns its URL."""
    print(json.dumps({"event": "ready", "url": url}), flush=True)  # noqa: T201


def read_announcement(line: str) -> str | None:
    """The URL in a line that `announce` printed, or None if the line is something else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if isinstance(message, dict) and message.get("event") == "ready":
        url = message.get("url")
        return url if isinstance(url, str) else None
    return None


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; "
            "choose another with --port, or 0 for any that is free"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _stop_at_end_of(parent: IO[bytes], server: uvicorn.Server) -> None:
    def wait() -> None:
        parent.read()
        logger.info("The process that started this server has ended")
        server.should_exit = True

    threading.Thread(target=wait, name="parent", daemon=True).start()


def standard_input() -> IO[bytes]:
    """The pipe from the process that started this one."""
    return sys.stdin.buffer
