"""Running the agent's server: its readiness and its end."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI

from duologue.agent.door.http import HttpDoor
from duologue.agent.door.visitors import Visitors
from duologue.agent.door.websocket import WebSocketDoor
from duologue.agent.limits import HANG_UP_LIMIT_S, DoorLimits
from duologue.errors import ServerError

LARGEST_FRAME_BYTES = 2 * 1024 * 1024
"""A call ends in good order at 1 MiB already; this is not even read, and gets 1009."""
SHUTDOWN_LIMIT_S = 5


def run_server(
    app: FastAPI,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    limits: DoorLimits | None = None,
) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM). Blocks the main thread.

    Args:
        app: what to serve.
        listener: from `listen`; it is closed by its owner.
        ready: called once the server answers.
        limits: the bounds of its connections; None takes the usual ones.

    Raises:
        ModelError: the models could not be loaded.
        KeyboardInterrupt: Ctrl-C has ended it; everything is released by then.
    """
    server = AgentServer(server_config(app, limits), ready, hang_up=app.state.hang_up)
    try:
        server.run(sockets=[listener])
    except SystemExit as exit_:
        # What uvicorn makes of a lifespan that failed.
        raise getattr(app.state, "start_error", ServerError("it could not start")) from exit_


def server_config(app: FastAPI, limits: DoorLimits | None = None) -> uvicorn.Config:
    """How uvicorn is to run.

    Args:
        app: what it serves.
        limits: the bounds of its connections; None takes the usual ones.
    """
    limits = limits or DoorLimits()
    visitors = Visitors(limits, _open_files())
    # uvicorn calls what it is given, and wants to be given a class.
    http: Any = partial(HttpDoor, limits=limits, visitors=visitors)
    websocket: Any = partial(WebSocketDoor, limits=limits, visitors=visitors)
    return uvicorn.Config(
        app,
        http=http,
        # The door counts as well, and answers better.
        h11_max_incomplete_event_size=4 * limits.head_bytes,
        log_config=None,
        access_log=False,
        # Speech hardly compresses, and compressing it costs more than all the rest.
        ws_per_message_deflate=False,
        ws=websocket,
        ws_max_size=LARGEST_FRAME_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
    )


def _open_files() -> int | None:
    """How many files this process may open; None where that has no bound of this kind."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


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
