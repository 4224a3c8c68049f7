"""A language model's server that refuses what others refuse, and answers as others do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from aiohttp import web

from duologue.agent.speech.stack import CallSpeechOptions, SessionParts
from duologue.agent.speech.thinking.language_model import build_llm
from duologue.testing.scripted_speech import ScriptedSpeech

Refusal: TypeAlias = Callable[[dict[str, Any]], str | None]
"""Why a request is not taken; None if it is."""

Delta: TypeAlias = dict[str, Any]


@dataclass
class PickyModel:
    """A server on this machine.

    Attributes:
        refuses: each is asked about every request.
        answers: the deltas of each answer in turn; the last one again and again.
        requests: all that it got.
        base_url: where it is.
    """

    refuses: Sequence[Refusal] = ()
    answers: Sequence[Sequence[Delta]] = (({"content": "It is noon."},),)
    status: int = 400
    finish_reason: str = "stop"
    requests: list[dict[str, Any]] = field(default_factory=list)
    base_url: str = ""
    _answered: int = 0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        for refusal in self.refuses:
            reason = refusal(asked)
            if reason is not None:
                error = {"message": reason, "type": "invalid_request_error"}
                return web.json_response({"error": error}, status=self.status)
        return await self._answer(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        deltas = self.answers[min(self._answered, len(self.answers) - 1)]
        self._answered += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta in deltas:
            await response.write(_chunk(delta, None))
        await response.write(_chunk({}, self.finish_reason) + b"data: [DONE]\n\n")
        return response


def _chunk(delta: Delta, finish_reason: str | None) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    choice = {"index": 0, "delta": {"role": "assistant"} | delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps(chunk | {"choices": [choice]}).encode() + b"\n\n"


@asynccontextmanager
async def picky_model(**options: Any) -> AsyncIterator[PickyModel]:
    """Run such a server, at a port that no test has had before."""
    model = PickyModel(**options)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield model
    finally:
        await runner.cleanup()


class RemoteModelSpeech(ScriptedSpeech):
    """Scripted speech whose language model is at an address.

    Args:
        model: that server.
        context_tokens: how much it can take; None for no limit.
    """

    def __init__(self, model: PickyModel, context_tokens: int | None = None) -> None:
        super().__init__()
        self._model = model
        self._context_tokens = context_tokens

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        """See `SpeechStack.session_parts`."""
        llm = build_llm(self._model.base_url, "m", temperature=options.temperature)
        parts = super().session_parts(options)
        return replace(parts, llm=llm, context_tokens=self._context_tokens)


def tool_call(call_id: str | None, **parts: Any) -> Delta:
    """A call of the tool `light`, with any id."""
    function = {"name": "light", "arguments": '{"room": "hall"}'}
    return {
        "tool_calls": [
            {"index": 0, "id": call_id, "type": "function", "function": function} | parts
        ]
    }
