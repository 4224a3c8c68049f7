"""Running the agent's server: its socket, its readiness, its end."""

from __future__ import annotations

import _thread
import os
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from duologue.agent.announcement import read_announcement as read_announcement
from duologue.errors import ServerError

LARGEST_FRAME_BYTES = 16 * 1024 * 1024
"""A call ends in good order at 1 MiB already; this is where the connection is cut."""
SHUTDOWN_LIMIT_S = 5
BACKLOG = 512


def run_server(app: FastAPI, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM). Blocks the main thread.

    Args:
        app: what to serve.
        host: the address to listen on.
        port: 0 lets the system choose.
        ready: called with the server's URL (`http://…`) once it answers.

    Raises:
        ServerError: the address or port cannot be listened on.
        ModelError: the models could not be loaded.
        KeyboardInterrupt: Ctrl-C has ended it; everything is released by then.
    """
    with _listen(host, port) as listener:
        server = _AnnouncedServer(server_config(app), lambda: ready(_url(listener)))
        try:
            server.run(sockets=[listener])
        except SystemExit as exit_:
            # What uvicorn makes of a lifespan that failed.
            raise getattr(app.state, "start_error", ServerError("it could not start")) from exit_


def server_config(app: FastAPI) -> uvicorn.Config:
    """How uvicorn is to run."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        # Speech hardly compresses, and compressing it costs more than all the rest.
        ws_per_message_deflate=False,
        ws="websockets-sansio",
        ws_max_size=LARGEST_FRAME_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
    )


def interrupt_at_end_of(pipe: int) -> None:
    """Interrupt this process, as Ctrl-C does, when a pipe ends.

    The other end is held by the process that started this one: when that ends, however it ends,
    this one does not stay behind.

    Args:
        pipe: the file descriptor to read from; what comes is ignored.
    """

    def wait() -> None:
        # Not through a buffered file: the interpreter aborts at its end if a thread holds one.
        while os.read(pipe, 4096):
            pass
        _thread.interrupt_main()

    threading.Thread(target=wait, name="end of pipe", daemon=True).start()


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
