"""Connections that are no polite requests, against a server on a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from duologue.agent.limits import DoorLimits
from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving

LIMITS = DoorLimits(head_s=0.3, connections=3)
LIMIT_S = 10.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def port_of_server(limits: DoorLimits = LIMITS) -> AsyncIterator[int]:
    async with serving(ScriptedSpeech(), define(), door=limits) as origin:
        yield int(origin.rpartition(":")[2])


async def connect(port: int, data: bytes = b"") -> Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    return reader, writer


async def answer(port: int, data: bytes) -> str:
    """All that the server says until it closes the connection."""
    reader, writer = await connect(port, data)
    async with asyncio.timeout(LIMIT_S):
        said = await reader.read()
    writer.close()
    return said.decode()


def request(*headers: str) -> bytes:
    lines = ["GET /health HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def test_a_polite_request_is_answered() -> None:
    async with port_of_server() as port:
        assert "200 OK" in await answer(port, request())


async def test_several_requests_may_come_on_one_connection_each_in_its_time() -> None:
    polite = request().replace(b"Connection: close\r\n", b"")
    async with port_of_server() as port:
        reader, writer = await connect(port)
        for _ in range(3):
            writer.write(polite)
            async with asyncio.timeout(LIMIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"200 OK" in head
                await reader.readexactly(len(b'{"status":"ok"}'))
            await asyncio.sleep(0.2)
        writer.write(polite[:20])
        async with asyncio.timeout(LIMIT_S):
            assert b"408" in await reader.read()
        writer.close()


@pytest.mark.parametrize("sent", [b"GET /health HTTP/1.1\r\nHost: 127", b"G"])
async def test_half_a_head_is_answered_and_closed(sent: bytes) -> None:
    async with port_of_server() as port:
        said = await answer(port, sent)
    assert said.startswith("HTTP/1.1 408 ")
    assert said.endswith("No complete request within 0.3 s.")


async def test_who_says_nothing_is_closed() -> None:
    async with port_of_server() as port:
        assert await answer(port, b"") == ""


async def test_a_head_that_drips_in_has_no_more_time() -> None:
    async with port_of_server() as port:
        reader, writer = await connect(port, b"GET /health HTTP/1.1\r\n")
        dripping = asyncio.create_task(drip(writer))
        async with asyncio.timeout(LIMIT_S):
            assert b"408" in await reader.read()
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x: y\r\n")
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000_000,
        b"GET /" + b"y" * 100_000,
        request("x: " + "y" * 20_000),
        request(*(f"x{number}: y" for number in range(200))),
        request("Upgrade: websocket", "Connection: Upgrade", "x: " + "y" * 20_000),
        request("Upgrade: websocket", "Connection: Upgrade", "x: " + "y" * 9_000),
        request("Upgrade: websocket", "Connection: Upgrade", *["x: y"] * 200),
    ],
    ids=[
        "endless header",
        "endless path",
        "large",
        "many",
        "large upgrade",
        "long line of upgrade",
        "many of upgrade",
    ],
)
async def test_a_head_that_is_too_large_is_answered(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with port_of_server() as port:
        said = await answer(port, sent)
    assert said.startswith("HTTP/1.1 431 ")
    assert "Refused 127.0.0.1: A " in caplog.text


async def test_a_websocket_with_headers_of_browsers_and_proxies_gets_in() -> None:
    many = [f"x{number}: {'y' * 80}" for number in range(60)]
    handshake = [
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        *("Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==", f"Cookie: {'z' * 7000}"),
    ]
    head = request(*handshake, *many).replace(b"/health", b"/v1/convai/conversation?agent_id=test")
    async with port_of_server() as port:
        reader, writer = await connect(port, head.replace(b"Connection: close\r\n", b""))
        async with asyncio.timeout(LIMIT_S):
            assert b"101 Switching" in await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_what_is_no_http_is_answered_once() -> None:
    async with port_of_server() as port:
        assert (await answer(port, b"\x16\x03\x01\x02\x00\x01\r\n\r\n")).startswith("HTTP/1.1 400 ")


async def until_polite(port: int) -> None:
    """Ask until there is room, as long as a connection may take to be counted out."""
    async with asyncio.timeout(LIMIT_S):
        while "503" in (said := await answer(port, request())):
            assert "try again later" in said
    assert "200 OK" in said


async def test_one_connection_too_many_is_refused_until_another_has_gone() -> None:
    async with port_of_server(DoorLimits(connections=3)) as port:
        held = [await connect(port) for _ in range(3)]
        await asyncio.sleep(0.1)
        said = await answer(port, request())
        assert said.startswith("HTTP/1.1 503 ")
        assert said.endswith("This server has 3 connections already; try again later.")
        held[0][1].close()
        await held[0][1].wait_closed()
        await until_polite(port)
        for _, writer in held[1:]:
            writer.close()
