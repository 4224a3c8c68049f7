"""WebSockets that send too much, or read nothing, beside one that is polite."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

import pytest

from duologue.agent.limits import DoorLimits
from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving

LIMITS = DoorLimits(
    frames_per_s=100.0,
    frames_at_once=400,
    bytes_per_s=50_000.0,
    bytes_at_once=200_000,
    unread_bytes=100_000,
)
LIMIT_S = 20.0

HEAD = (
    b"GET /v1/convai/conversation?agent_id=test HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, CONTINUATION, PING, PONG, CLOSE = 1, 0, 9, 10, 8


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """As a client sends it, masked with zeros."""
    head = bytes([opcode | (0x80 if fin else 0)])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    return head + bytes(4) + payload


async def open_socket(origin: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(origin.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD)
    async with asyncio.timeout(LIMIT_S):
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def close_of(reader: asyncio.StreamReader) -> tuple[int, str] | None:
    """The code and the reason with which the server closes; None if it just went."""
    while True:
        try:
            opcode, length = await reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            payload = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        if opcode & 0x0F == CLOSE:
            return struct.unpack("!H", payload[:2])[0], payload[2:].decode()


def first_and_then(first: bytes, following: bytes) -> Callable[[int], bytes]:
    return lambda number: following if number else first


FLOODS = {
    "pings": lambda number: frame(PING) * 500,
    "pongs": lambda number: frame(PONG, b"x") * 500,
    "fragments": first_and_then(
        frame(TEXT, b"x", fin=False), frame(CONTINUATION, b"x", fin=False) * 500
    ),
    "messages": lambda number: frame(TEXT, b'{"type":"user_activity"}') * 500,
    "large messages": lambda number: frame(TEXT, b'{"type":"x","y":"%b"}' % (b"z" * 60_000)),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_who_sends_too_much_is_closed_and_holds_up_nobody(
    flood: Callable[[int], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(ScriptedSpeech(), define(), door=LIMITS) as origin:
        reader, writer = await open_socket(origin)
        flooding = asyncio.create_task(send_all(writer, flood))
        async with asyncio.timeout(LIMIT_S):
            end = await close_of(reader)
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        writer.close()
    assert end is not None
    assert end[0] == 1008
    assert "a second" in end[1]
    assert "Refused 127.0.0.1: more than " in caplog.text


async def send_all(writer: asyncio.StreamWriter, flood: Callable[[int], bytes]) -> None:
    for number in range(100_000):
        writer.write(flood(number))
        await writer.drain()


async def test_who_reads_nothing_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    limits = DoorLimits(
        frames_per_s=1e6, frames_at_once=10**6, bytes_per_s=1e9, unread_bytes=100_000
    )
    async with serving(ScriptedSpeech(), define(), door=limits) as origin:
        _, writer = await open_socket(origin)
        pings = frame(PING, b"x" * 100) * 100
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send_all(writer, lambda number: pings), LIMIT_S)
        assert "Refused 127.0.0.1: reads nothing" in caplog.text


async def test_who_catches_up_is_no_flood() -> None:
    async with serving(ScriptedSpeech(), define(), door=LIMITS) as origin:
        reader, writer = await open_socket(origin)
        writer.write(frame(PING, b"early") * 300)
        writer.write(frame(PING, b"last"))
        async with asyncio.timeout(LIMIT_S):
            await reader.readuntil(b"last")
        writer.close()
