"""Asking a server for a signed URL."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from duologue.connection import signed_urls
from duologue.connection.credentials import ApiKey
from duologue.connection.signed_urls import SignedUrlRequest, fetch_signed_url, get_signed_url
from duologue.errors import SessionConnectionError, SignedUrlRefused

SIGNED = "wss://h/v1/convai/conversation?agent_id=a&conversation_signature=s"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def server(
    answer: Any = None, **options: Any
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that answers so; gives its origin and the requests it has had."""
    requests: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(request)
        if answer is None:
            await asyncio.sleep(20)
        if isinstance(answer, bytes):
            return web.Response(body=answer, **options)
        return web.json_response(answer, **options)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"ws://{host}:{port}", requests
    finally:
        await runner.cleanup()


async def test_the_key_and_the_agent_go_to_the_server_and_the_url_comes_back() -> None:
    async with server({"signed_url": SIGNED}) as (origin, requests):
        url = await get_signed_url("agent/1 ü&x", api_key="k", origin=origin, environment="staging")
    assert url == SIGNED
    (request,) = requests
    assert request.path == "/v1/convai/conversation/get-signed-url"
    assert dict(request.query) == {"agent_id": "agent/1 ü&x", "environment": "staging"}
    assert request.headers["xi-api-key"] == "k"


async def test_server_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server({"signed_url": SIGNED}) as (origin, requests):
        monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
        monkeypatch.setenv("DUOLOGUE_API_KEY", "k")
        assert await get_signed_url("a") == SIGNED
    assert requests[0].headers["xi-api-key"] == "k"
    assert dict(requests[0].query) == {"agent_id": "a"}


async def test_a_region_and_an_origin_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="contradict each other"):
        await get_signed_url("a", api_key="k", origin="wss://h", region="eu-residency")


async def test_without_a_key_it_is_said_where_one_may_be() -> None:
    with pytest.raises(ValueError, match="no key for wss://h; pass api_key, or set ELEVENLABS_API"):
        await get_signed_url("a", origin="wss://h")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}},
            "Invalid API key",
        ),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": {"message": "no key secret-key, alas"}}, "no key …, alas"),
        ({"detail": [{"loc": ["query"]}]}, None),
        (b"<html>", None),
        (b"", None),
    ],
)
async def test_a_refusal_has_the_servers_own_explanation(answer: Any, detail: str | None) -> None:
    async with server(answer, status=401) as (origin, _):
        with pytest.raises(SignedUrlRefused, match="HTTP status 401") as refused:
            await get_signed_url("agent_1", api_key="secret-key", origin=origin)
    assert (refused.value.http_status, refused.value.detail) == (401, detail)
    assert (detail or "") in str(refused.value)
    assert "'agent_1'" in str(refused.value)


@pytest.mark.parametrize(
    "answer", [{}, [], b"", b"\xff", {"signed_url": 1}, {"signed_url": "https://h"}, b"x" * 100_000]
)
async def test_an_answer_without_a_signed_url_is_told(answer: Any) -> None:
    async with server(answer) as (origin, _):
        with pytest.raises(SessionConnectionError, match="answered without a signed URL"):
            await get_signed_url("a", api_key="k", origin=origin)


async def test_a_redirect_does_not_carry_the_key_elsewhere() -> None:
    async with server({"signed_url": SIGNED}) as (elsewhere, stolen):
        location = {"Location": elsewhere.replace("ws:", "http:")}
        async with server(b"", status=302, headers=location) as (origin, _):
            with pytest.raises(SignedUrlRefused, match="302"):
                await get_signed_url("a", api_key="k", origin=origin)
    assert stolen == []


async def test_a_key_to_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server({"signed_url": SIGNED}) as (origin, requests), server(b"") as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy.replace("ws:", "http:"))
        assert await get_signed_url("a", api_key="k", origin=origin) == SIGNED
    assert len(requests) == 1
    assert seen == []


async def test_a_server_that_is_not_there_is_named() -> None:
    async with server() as (origin, _):
        pass
    with pytest.raises(SessionConnectionError, match=f"{origin} cannot be asked"):
        await get_signed_url("a", api_key="k", origin=origin)


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with server() as (origin, _):
        with pytest.raises(SessionConnectionError, match=r"no signed URL within 0\.05 s"):
            await get_signed_url("a", api_key="k", origin=origin, timeout=0.05)


async def test_a_url_without_tls_from_a_server_with_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(request: SignedUrlRequest) -> tuple[int, bytes]:
        return 200, b'{"signed_url": "ws://h/?conversation_signature=secret"}'

    monkeypatch.setattr(signed_urls, "_ask", answer)
    request = SignedUrlRequest(origin="wss://h", agent_id="a", key=ApiKey("k", "api_key"))
    with pytest.raises(SessionConnectionError, match="X-Forwarded-Proto") as raised:
        await fetch_signed_url(request, timeout_s=1)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_the_key_is_shown_nowhere(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with server({"detail": "your key secret-key"}, status=status) as (origin, _):
        with pytest.raises(SessionConnectionError) as raised:
            await get_signed_url("a", api_key="secret-key", origin=origin)
    with pytest.raises(SessionConnectionError) as unreachable:
        await get_signed_url("a", api_key="secret-key", origin=origin)
    for error in (raised.value, unreachable.value):
        told = traceback.format_exception(error)
        # This test's own line, which has the key in it, is not what is looked for.
        assert "secret-key" not in "".join(line for line in told if __file__ not in line)
        assert "secret-key" not in repr(error)
    assert "secret-key" not in caplog.text
