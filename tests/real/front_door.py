"""One address for several servers, as a load balancer has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tests.real.tied_program import HOST

CHUNK_BYTES = 64 * 1024


class FrontDoor:
    """Hands each connection on to the next of the ports to which it leads.

    Attributes:
        port: its own.
        leads_to: ports on loopback; those who came before stay where they are.
    """

    def __init__(self) -> None:
        self.port = 0
        self.leads_to: Sequence[int] = ()
        self._connections = 0
        self._visits: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def let_in(self, visitor: asyncio.StreamReader, to_visitor: asyncio.StreamWriter) -> None:
        """Carry everything between a visitor and a server until either has ended."""
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            with suppress(OSError):
                server, to_server = await self._next_server()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(visitor, to_server))
                    both.create_task(self._carry(server, to_visitor))
        finally:
            self._visits.discard(visit)
            to_visitor.close()

    async def close(self) -> None:
        """Cut all connections off."""
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._visits)

    async def _next_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._connections += 1
        port = self.leads_to[self._connections % len(self.leads_to)]
        return await asyncio.open_connection(HOST, port)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        self._ends.add(target)
        try:
            with suppress(OSError):
                while data := await source.read(CHUNK_BYTES):
                    target.write(data)
                    await target.drain()
        finally:
            self._ends.discard(target)
            target.close()


@asynccontextmanager
async def front_door() -> AsyncIterator[FrontDoor]:
    """A door on a port that the system chooses; it leads nowhere yet."""
    door = FrontDoor()
    server = await asyncio.start_server(door.let_in, HOST, 0)
    door.port = server.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        server.close()
        await door.close()
