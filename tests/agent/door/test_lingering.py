from __future__ import annotations

import asyncio

import pytest

from duologue.agent.door import lingering
from duologue.agent.door.lingering import close_lingering


async def test_what_was_said_arrives_though_more_came_and_then_it_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lingering, "LINGER_S", 0.1)

    class Refusing(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"no")
            close_lingering(asyncio.get_running_loop(), transport)

        def connection_lost(self, exc: Exception | None) -> None:
            lost.set()

    lost = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(Refusing, "127.0.0.1", 0)
    async with server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 100_000)
        assert await reader.read() == b"no"
        await lost.wait()
        writer.close()
