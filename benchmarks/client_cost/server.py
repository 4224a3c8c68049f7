"""The server that all clients are measured against, in a process of its own.

It costs as little as can be, so that it is the client that is measured: one ticker for all calls,
frames that were made before, and nothing decoded. On its standard input it takes `report FROM
UNTIL`, by the machine's monotonic clock, and answers with what it saw meanwhile, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.client_cost.load import (
    CHUNK_MS,
    METADATA,
    PART,
    PARTS_PER_S,
    audio_frames,
    latenesses_ms,
    percentile,
)

TICK_MS: Final = 5
"""The calls are spread over the ticks, as they are over time in life."""
AUDIO_PREFIX: Final = b'{"user_audio_chunk"'


@dataclass
class Call:
    """One call.

    Attributes:
        arrivals_s: when each chunk of the user's sound came.
    """

    transport: WSTransport
    is_written: bool
    slot: int
    arrivals_s: list[float] = field(default_factory=list)
    sent: int = 0
    runs: bool = False


class Calls:
    """All calls, and the ticker that sends to them."""

    def __init__(self) -> None:
        self._audio = [frame.encode() for frame in audio_frames()]
        self._part = PART.encode()
        self._calls: list[Call] = []
        self._accepted = 0
        self._late_ms: list[float] = []

    def begin(self, transport: WSTransport, *, is_written: bool) -> Call:
        """A client has come."""
        call = Call(transport, is_written, self._accepted % (1000 // TICK_MS))
        self._accepted += 1
        self._calls.append(call)
        return call

    def end(self, call: Call) -> None:
        """A client has gone. What came of its sound is kept until it is reported."""
        call.runs = False

    async def tick(self) -> None:
        """Send to every call what is due, for ever."""
        began_s, tick = time.monotonic(), 0
        while True:
            tick += 1
            late_s = time.monotonic() - (began_s + tick * TICK_MS / 1000)
            await asyncio.sleep(max(0.0, -late_s))
            self._late_ms.append(max(0.0, late_s) * 1000)
            for call in self._calls:
                if call.runs:
                    self._send(call, tick)

    def _send(self, call: Call, tick: int) -> None:
        every_ms = 1000 // PARTS_PER_S if call.is_written else CHUNK_MS
        if (tick + call.slot) % (every_ms // TICK_MS):
            return
        frame = self._part if call.is_written else self._audio[call.sent % len(self._audio)]
        call.sent += 1
        call.transport.send(WSMsgType.TEXT, frame)

    def report(self, from_s: float, until_s: float) -> dict[str, Any]:
        """What came between two moments, and how late; then forget the calls that are over."""
        late_ms: list[float] = []
        for call in self._calls:
            late_ms += latenesses_ms(call.arrivals_s, from_s, until_s)
        answer = {
            "chunks": len(late_ms),
            "late_p50_ms": percentile(late_ms, 50),
            "late_p99_ms": percentile(late_ms, 99),
            "open": sum(call.runs for call in self._calls),
            "own_late_p99_ms": percentile(self._late_ms, 99),
        }
        self._calls = [call for call in self._calls if call.runs]
        self._late_ms.clear()
        return answer


class Listener(WSListener):
    """The server's end of one call."""

    def __init__(self, calls: Calls, *, is_written: bool) -> None:
        super().__init__()
        self._calls = calls
        self._is_written = is_written
        self._call: Call | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Note the call; it begins with the client's initiation."""
        self._call = self._calls.begin(transport, is_written=self._is_written)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Note when sound came, and answer the initiation."""
        assert self._call is not None
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            if bytes(frame.get_payload_as_memoryview()[: len(AUDIO_PREFIX)]) == AUDIO_PREFIX:
                self._call.arrivals_s.append(time.monotonic())
            elif not self._call.runs:
                transport.send(WSMsgType.TEXT, METADATA.encode())
                self._call.runs = True

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The call is over."""
        if self._call is not None:
            self._calls.end(self._call)


async def serve() -> None:
    """Print the port, and serve until standard input ends."""
    calls = Calls()

    def listener(request: WSUpgradeRequest) -> Listener:
        return Listener(calls, is_written=b"agent_id=text" in request.path)

    server = await ws_create_server(listener, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    ticking = asyncio.create_task(calls.tick())
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        _, from_s, until_s = line.split()
        print(json.dumps(calls.report(float(from_s), float(until_s))), flush=True)
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking


if __name__ == "__main__":
    uvloop.run(serve())
