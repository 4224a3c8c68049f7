"""A server over HTTP that gives one answer to whatever it is asked, and keeps the requests."""

from __future__ import annotations

import asyncio
import email
import email.message
import email.policy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """A request: the path is as it was sent, percent signs included."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def only_part(self) -> email.message.MIMEPart:
        """The one part of a multipart body, as another library than the sender's reads it."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + self.body, policy=email.policy.HTTP)
        (part,) = form.iter_parts()
        return part


@asynccontextmanager
async def answering(
    answer: Any = None, *, reads: bool = True, **options: Any
) -> AsyncIterator[tuple[str, list[Received]]]:
    """Serve bytes as they are, and everything else as JSON; None lets the client wait.

    Without `reads` it answers before it has had the body.

    Gives the origin, with the scheme `ws`, and the requests until now.
    """
    requests: list[Received] = []

    async def handle(request: web.Request) -> web.Response:
        path = request.raw_path.partition("?")[0]
        query, headers = dict(request.query), dict(request.headers)
        body = await request.read() if reads else b""
        requests.append(Received(request.method, path, query, headers, body))
        if answer is None:
            await asyncio.sleep(20)
        if isinstance(answer, bytes):
            return web.Response(body=answer, **options)
        return web.json_response(answer, **options)

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"ws://{host}:{port}", requests
    finally:
        await runner.cleanup()
