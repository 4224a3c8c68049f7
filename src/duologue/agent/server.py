"""Running the agent's server: its readiness and its end."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duologue.errors import ServerError

LARGEST_FRAME_BYTES = 16 * 1024 * 1024
"""A call ends in good order at 1 MiB already; this is where the connection is cut."""
HANG_UP_LIMIT_S = 3.0
"""How long calls may take to end when the server is stopped, before their sockets are closed."""
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
    server = AgentServer(server_config(app), ready, hang_up=app.state.hang_up)
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


class AgentServer(uvicorn.Server):
    """uvicorn's server, which tells when it is ready, and ends calls in order before itself.

    Args:
        config: from `server_config`.
        ready: called once the server answers.
        hang_up: ends all calls within so many seconds.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        hang_up: Callable[[float], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._hang_up = hang_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer; see `uvicorn.Server`."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more calls, end those that go on, and release everything.

        uvicorn alone would close every socket with its own code, 1012.
        """
        for server in self.servers:
            server.close()
        await self._hang_up(HANG_UP_LIMIT_S)
        await super().shutdown(sockets)
