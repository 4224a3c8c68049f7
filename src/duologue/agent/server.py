"""Running the agent's server: its readiness and its end."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duologue.errors import ServerError

LARGEST_FRAME_BYTES = 16 * 1024 * 1024
"""A call ends in good order at 1 MiB already; this is where the connection is cut."""
SHUTDOWN_LIMIT_S = 5
CLOSING_LIMIT_S = 10.0
"""How long a connection may take to end after its call."""


def run_server(app: FastAPI, listener: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM). Blocks the main thread.

    Args:
        app: what to serve.
        listener: from `listen`; it is closed by its owner.
        ready: called once the server answers.

    Raises:
        ModelError: the models could not be loaded.
        KeyboardInterrupt: Ctrl-C has ended it; everything is released by then.
    """
    server = _AnnouncedServer(server_config(app), ready)
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
        ws=_EndingProtocol,
        ws_max_size=LARGEST_FRAME_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
    )


class _EndingProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose connection ends with its call, even if the client takes nothing any more.

    Left to itself, a connection that is closing waits for as long as there is something to write.
    """

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CLOSING_LIMIT_S, self.transport.abort)


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
