import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from livekit.agents import APIConnectOptions, APIError, function_tool, llm

from duologue.agent.speech.thinking.language_model import LocalLanguageModel, build_llm, read_ahead
from duologue.errors import ModelError

ONCE = APIConnectOptions(max_retry=0, timeout=0.3)


class Server:
    """A model's server on this machine that keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.is_stuck = False
        self.base_url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        if self.is_stuck:
            await asyncio.sleep(30)
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": "https://cloud.example"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in ("It ", "is ", "noon."):
            delta = {"role": "assistant", "content": word}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            chunk["choices"] = [{"index": 0, "delta": delta, "finish_reason": None}]
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.base_url = f"http://127.0.0.1:{port}/v1"
    yield server
    await runner.cleanup()


async def ask(model: llm.LLM[Any], text: str = "What time is it?") -> str:
    chat = llm.ChatContext.empty()
    chat.add_message(role="system", content="Be brief.")
    chat.add_message(role="user", content=text)
    try:
        async with model.chat(chat_ctx=chat, conn_options=ONCE) as reply:
            return "".join(
                [chunk.delta.content or "" async for chunk in reply if chunk.delta is not None]
            )
    finally:
        await model.aclose()


async def test_a_request_holds_what_was_asked_for_and_the_reply_streams(server: Server) -> None:
    model = build_llm(
        server.base_url,
        "small",
        "secret",
        temperature=0.3,
        max_tokens=50,
        extra_body={"seed": 1},
    )
    assert await ask(model) == "It is noon."
    request = server.requests[0]
    assert request["model"] == "small"
    assert (request["temperature"], request["max_tokens"], request["seed"]) == (0.3, 50, 1)
    assert [message["content"] for message in request["messages"]] == [
        "Be brief.",
        "What time is it?",
    ]
    assert server.headers[0]["Authorization"] == "Bearer secret"


async def test_further_headers_are_sent(server: Server) -> None:
    await ask(build_llm(server.base_url, "small", headers={"X-Tenant": "seven"}))
    sent = {name.lower(): value for name, value in server.headers[0].items()}
    assert sent["x-tenant"] == "seven"


async def test_nothing_is_taken_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "stolen")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "stolen")
    monkeypatch.setenv("OPENAI_ORG_ID", "stolen")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "stolen")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Stolen: stolen\nAuthorization: stolen")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://cloud.example/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert await ask(build_llm(server.base_url, "small")) == "It is noon."
    assert "stolen" not in json.dumps(server.headers)
    assert server.headers[0]["Authorization"] == "Bearer none"


async def test_the_log_shows_what_the_model_was_told(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "duologue.agent.llm"):
        await ask(build_llm(server.base_url, "small", "secret"), "Is it noon?")
    assert "Is it noon?" in caplog.text
    assert "secret" not in caplog.text


async def test_a_redirect_is_not_followed(server: Server) -> None:
    server.status = 307
    with pytest.raises(APIError):
        await ask(build_llm(server.base_url, "small"))
    assert len(server.requests) == 1


async def test_a_server_that_fails_is_an_error_and_asked_once(server: Server) -> None:
    server.status = 500
    with pytest.raises(APIError):
        await ask(build_llm(server.base_url, "small"))
    assert len(server.requests) == 1


async def test_a_server_that_never_answers_is_given_up(server: Server) -> None:
    server.is_stuck = True
    async with asyncio.timeout(5):
        with pytest.raises(APIError):
            await ask(build_llm(server.base_url, "small"))


async def test_reading_ahead_shows_the_model_what_the_conversation_begins_with(
    server: Server,
) -> None:
    model = build_llm(server.base_url, "small")
    await read_ahead(model, "Be kind.", "Good morning.", [look_up])
    await model.aclose()
    request = server.requests[0]
    assert [(said["role"], said["content"]) for said in request["messages"][:2]] == [
        ("system", "Be kind."),
        ("assistant", "Good morning."),
    ]
    assert request["messages"][2]["role"] == "user"
    assert [tool["function"]["name"] for tool in request["tools"]] == ["look_up"]


async def test_an_agent_that_says_nothing_first_has_its_instructions_read(server: Server) -> None:
    model = build_llm(server.base_url, "small")
    await read_ahead(model, "Be kind.")
    await model.aclose()
    request = server.requests[0]
    assert [said["role"] for said in request["messages"]] == ["system", "user"]
    assert not request.get("tools")


@function_tool
async def look_up(word: str) -> str:
    """Look a word up."""
    return word


@pytest.mark.parametrize("base_url", ["", "localhost:8000", "ftp://host/v1", "http://"])
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="begins with http"):
        build_llm(base_url, "small")


def test_a_model_needs_a_name() -> None:
    with pytest.raises(ValueError, match="needs the name"):
        build_llm("http://127.0.0.1:1/v1", "")


def test_a_missing_model_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(ModelError, match="duologue models pull"),
        LocalLanguageModel(tmp_path / "absent.gguf"),
    ):
        pass


def test_a_damaged_model_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ModelError, match="duologue models verify"), LocalLanguageModel(path):
        pass


def test_the_address_is_known_only_while_the_model_runs(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not running"):
        _ = LocalLanguageModel(tmp_path / "model.gguf").base_url
