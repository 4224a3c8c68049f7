"""A network of one machine: a proxy that knows servers by names that no resolver knows, and TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

HOST = "agent.example"
"""The name in the certificate. Names under `.example` resolve nowhere (RFC 2606)."""

CERTIFICATE = Path(__file__).with_name("certificate.pem")
"""For `HOST`, signed by itself, with its key: good for nothing but these tests, until 2126."""

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def trusting_context() -> ssl.SSLContext:
    """What a client needs who is to trust the certificate."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def go_through_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the environment says of proxies."""
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def go_through(proxy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name a proxy for everything."""
    go_through_none(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", proxy_url)
    monkeypatch.setenv("HTTPS_PROXY", proxy_url)


def port_of(origin: str) -> int:
    port = urlsplit(origin).port
    assert port is not None
    return port


class Proxy:
    """An HTTP proxy.

    Attributes:
        url: its address.
        heads: of every request that it got, in order.
    """

    def __init__(self, servers: Mapping[str, int], refusal: bytes | None) -> None:
        self.url = ""
        self.heads: list[str] = []
        self._servers = servers
        self._refusal = refusal

    @property
    def request_lines(self) -> list[str]:
        return [head.splitlines()[0] for head in self.heads]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        if self._refusal is not None:
            writer.write(self._refusal)
            return
        method, target, _ = head.decode().split(" ", 2)
        server = target if method == "CONNECT" else urlsplit(target).netloc
        to_server = await asyncio.open_connection("127.0.0.1", self._servers[server])
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            to_server[1].write(head)
        await joined((reader, writer), to_server)


@asynccontextmanager
async def proxy(servers: Mapping[str, int], refusal: bytes | None = None) -> AsyncIterator[Proxy]:
    """A proxy to the servers of these names, which are at these ports; or one that refuses."""
    running = Proxy(servers, refusal)
    async with tcp_server(running.serve) as port:
        running.url = f"http://127.0.0.1:{port}"
        yield running


class SocksProxy:
    """A SOCKS 5 proxy (RFC 1928), with a password (RFC 1929) if it wants one.

    Attributes:
        host: its address, without a scheme.
        asked_for: the servers it was asked for, in order.
        logins: with which names and passwords.
    """

    def __init__(self, servers: Mapping[str, int], *, wants_password: bool) -> None:
        self.host = ""
        self.asked_for: list[str] = []
        self.logins: list[str] = []
        self._servers = servers
        self._wants_password = wants_password

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if self._wants_password else 0
        writer.write(bytes([5, method if method in methods else 0xFF]))
        if method not in methods:
            return
        if self._wants_password:
            await reader.readexactly(1)
            name, password = await self._text(reader), await self._text(reader)
            self.logins.append(f"{name}:{password}")
            writer.write(b"\1\0")
        _, _, _, kind = await reader.readexactly(4)
        assert kind == 3, "the name of the server was to come as a name"
        name = await self._text(reader)
        server = f"{name}:{int.from_bytes(await reader.readexactly(2), 'big')}"
        self.asked_for.append(server)
        if server not in self._servers:
            writer.write(b"\5\4\0\1" + bytes(6))  # host unreachable
            return
        to_server = await asyncio.open_connection("127.0.0.1", self._servers[server])
        writer.write(b"\5\0\0\1" + bytes(6))
        await joined((reader, writer), to_server)

    @staticmethod
    async def _text(reader: asyncio.StreamReader) -> str:
        [length] = await reader.readexactly(1)
        return (await reader.readexactly(length)).decode()


@asynccontextmanager
async def socks_proxy(
    servers: Mapping[str, int], *, wants_password: bool = False
) -> AsyncIterator[SocksProxy]:
    """A SOCKS proxy to the servers of these names, which are at these ports."""
    running = SocksProxy(servers, wants_password=wants_password)
    async with tcp_server(running.serve) as port:
        running.host = f"127.0.0.1:{port}"
        yield running


@asynccontextmanager
async def tls_in_front_of(port: int) -> AsyncIterator[int]:
    """The port of a server that takes TLS off, and hands everything on to another port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await joined((reader, writer), await asyncio.open_connection("127.0.0.1", port))

    async with tcp_server(serve, context) as tls_port:
        yield tls_port


@asynccontextmanager
async def tcp_server(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server; gives its port. Leaving ends what it still serves."""
    visits: set[asyncio.Task[None]] = set()

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        visits.add(task)
        with suppress(asyncio.CancelledError, ConnectionError):
            await serve(reader, writer)
        await closed(writer)

    server = await asyncio.start_server(visited, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for visit in visits:
            visit.cancel()
        if visits:
            await asyncio.wait(visits, timeout=5)


async def joined(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Hand on what comes from either, until one of them has gone."""
    ways = {
        asyncio.ensure_future(hand_on(one[0], other[1])),
        asyncio.ensure_future(hand_on(other[0], one[1])),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        other[1].close()  # before anything is awaited, which may be cancelled
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
