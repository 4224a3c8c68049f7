"""The server's process, from the outside."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Server:
    """The server's process.

    Attributes:
        process: as it runs.
        port: where it listens, on loopback.
    """

    process: asyncio.subprocess.Process
    port: str

    @property
    def origin(self) -> str:
        """Where it is called."""
        return f"ws://127.0.0.1:{self.port}"

    async def report(self, from_s: float, until_s: float) -> dict[str, Any]:
        """What it saw between two moments."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"report {from_s} {until_s}\n".encode())
        await self.process.stdin.drain()
        answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return answer


@asynccontextmanager
async def load_server(*, in_rooms: bool = False) -> AsyncIterator[Server]:
    """The server, until it is no longer needed.

    Args:
        in_rooms: the one that talks in LiveKit rooms, which it brings along.
    """
    module = "room_server" if in_rooms else "server"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"benchmarks.client_cost.{module}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()
