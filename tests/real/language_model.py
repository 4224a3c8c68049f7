"""A language model that answers by its name, so that it is known who has asked it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.real.tied_program import HOST


@asynccontextmanager
async def naming_language_model() -> AsyncIterator[str]:
    """Gives the base URL of a server that speaks OpenAI's protocol, for as long as the context."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _complete)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def _complete(request: web.Request) -> web.StreamResponse:
    model = (await request.json())["model"]
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": model}, "finish_reason": None}
        ],
    }
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    await answer.write(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    return answer
