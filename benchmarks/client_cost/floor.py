"""The floor: aiohttp's WebSocket, `json` and `base64`, one ticker for all calls, and nothing else.

It paces sound and says what it received was there; it plays nothing, judges nothing, and knows no
rules. Less cannot be done with these parts.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from typing import Final

import aiohttp

from benchmarks.client_cost.client import PROBE_EVERY
from benchmarks.client_cost.load import (
    CHUNK_MS,
    CONVERSATION_PATH,
    MESSAGE_EVERY_S,
    chunks,
)

TICK_MS: Final = 5
"""The calls are spread over the ticks of a chunk, as they are over time in life."""


class Floor:
    """See `benchmarks.client_cost.client.Client`."""

    def __init__(self, origin: str, medium: str) -> None:
        self._origin = origin
        self._is_written = medium == "text"
        self._http: aiohttp.ClientSession | None = None
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.arrivals_s: list[list[float]] = []

    async def start(self, calls: int) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._sockets = list(await asyncio.gather(*(self._connect() for _ in range(calls))))
        for number, socket in enumerate(self._sockets):
            arrivals: list[float] | None = None
            if number % PROBE_EVERY == 0:
                arrivals = []
                self.arrivals_s.append(arrivals)
            self._tasks.append(asyncio.create_task(self._receive(socket, arrivals)))
        send = self._send_text if self._is_written else self._send_sound
        self._tasks.append(asyncio.create_task(send()))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._sockets))
        assert self._http is not None
        await self._http.close()

    def lost(self) -> dict[str, float]:
        return {}

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        assert self._http is not None
        medium = "text" if self._is_written else "voice"
        socket = await self._http.ws_connect(
            f"{self._origin}{CONVERSATION_PATH}?agent_id={medium}", protocols=("convai",)
        )
        await socket.send_str(json.dumps({"type": "conversation_initiation_client_data"}))
        await socket.receive()
        return socket

    async def _receive(
        self, socket: aiohttp.ClientWebSocketResponse, arrivals_s: list[float] | None
    ) -> None:
        async for message in socket:
            event = json.loads(message.data)
            if event["type"] == "audio":
                base64.b64decode(event["audio_event"]["audio_base_64"])
                if arrivals_s is not None:
                    arrivals_s.append(time.monotonic())

    async def _send_sound(self) -> None:
        speech = itertools.cycle(chunks())
        slots = CHUNK_MS // TICK_MS
        began_s = time.monotonic()
        for tick in itertools.count(1):
            await asyncio.sleep(max(0.0, began_s + tick * TICK_MS / 1000 - time.monotonic()))
            for socket in self._sockets[tick % slots :: slots]:
                chunk = base64.b64encode(next(speech)).decode()
                await socket.send_str(json.dumps({"user_audio_chunk": chunk}))

    async def _send_text(self) -> None:
        while True:
            pause_s = MESSAGE_EVERY_S / len(self._sockets)
            for socket in self._sockets:
                await socket.send_str(json.dumps({"type": "user_message", "text": "Go on."}))
                await asyncio.sleep(pause_s)
