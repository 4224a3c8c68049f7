"""Asking a server for a signed URL."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from duologue.connection.http import signed_urls
from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.signed_urls import SignedUrlRequest, fetch_signed_url, get_signed_url
from duologue.errors import RequestRefused, SessionConnectionError, SignedUrlRefused
from tests.connection.answering import answering

SIGNED = "wss://h/v1/convai/conversation?agent_id=a&conversation_signature=s"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


async def test_the_key_and_the_agent_go_to_the_server_and_the_url_comes_back() -> None:
    async with answering({"signed_url": SIGNED}) as (origin, requests):
        url = await get_signed_url("agent/1 ü&x", api_key="k", origin=origin, environment="staging")
    assert url == SIGNED
    (request,) = requests
    assert request.path == "/v1/convai/conversation/get-signed-url"
    assert dict(request.query) == {"agent_id": "agent/1 ü&x", "environment": "staging"}
    assert request.headers["xi-api-key"] == "k"


async def test_server_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering({"signed_url": SIGNED}) as (origin, requests):
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


async def test_a_refusal_has_the_servers_own_explanation() -> None:
    answer = {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
    async with answering(answer, status=401) as (origin, _):
        with pytest.raises(SignedUrlRefused, match=r"'agent_1'.*in api_key: HTTP status 401") as e:
            await get_signed_url("agent_1", api_key="secret-key", origin=origin)
    assert (e.value.http_status, e.value.detail) == (401, "Invalid API key")
    assert e.value.close_code is None


def test_a_refusal_is_an_error_of_the_start_and_of_the_request() -> None:
    assert issubclass(SignedUrlRefused, SessionConnectionError)
    assert issubclass(SignedUrlRefused, RequestRefused)


@pytest.mark.parametrize(
    "answer", [{}, [], b"", b"\xff", {"signed_url": 1}, {"signed_url": "https://h"}, b"x" * 100_000]
)
async def test_an_answer_without_a_signed_url_is_told(answer: Any) -> None:
    async with answering(answer) as (origin, _):
        with pytest.raises(SessionConnectionError, match="answered without a signed URL"):
            await get_signed_url("a", api_key="k", origin=origin)


async def test_a_server_that_is_not_there_is_named() -> None:
    async with answering() as (origin, _):
        pass
    with pytest.raises(SessionConnectionError, match="cannot be asked to give a signed URL"):
        await get_signed_url("a", api_key="k", origin=origin)


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with answering() as (origin, _):
        with pytest.raises(SessionConnectionError, match=r"did not give .* within 0\.05 s"):
            await get_signed_url("a", api_key="k", origin=origin, timeout=0.05)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
async def test_a_wait_without_a_limit_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        await get_signed_url("a", api_key="k", origin="wss://h", timeout=timeout)


async def test_a_url_without_tls_from_a_server_with_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(*_: object, **__: object) -> bytes:
        return b'{"signed_url": "ws://h/?conversation_signature=secret"}'

    monkeypatch.setattr(signed_urls, "ask", answer)
    request = SignedUrlRequest(origin="wss://h", agent_id="a", key=ApiKey("k", "api_key"))
    with pytest.raises(SessionConnectionError, match="X-Forwarded-Proto") as raised:
        await fetch_signed_url(request, timeout_s=1)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_the_key_is_shown_nowhere(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with answering({"detail": "your key secret-key"}, status=status) as (origin, _):
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


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"agent_id": 5}, TypeError),
        ({"agent_id": ""}, ValueError),
        ({"agent_id": "a", "origin": 5}, TypeError),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    values: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"(agent_id|origin) (is|must)"):
        await get_signed_url(**{"api_key": "k", **values})
