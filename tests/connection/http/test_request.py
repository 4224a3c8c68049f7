from __future__ import annotations

import asyncio
import ssl
import traceback
from typing import Any

import aiohttp
import pytest

from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.request import ANSWER_LIMIT_BYTES, ask, checked_timeout_s
from duologue.errors import RequestFailed, RequestRefused
from tests.connection.answering import answering
from tests.conversation.fakes import eventually

KEY = ApiKey("secret-key", "api_key")


async def ask_at(origin: str, method: str = "GET", **options: Any) -> bytes:
    url = f"{origin.replace('ws:', 'http:')}/v1/thing"
    return await ask(method, url, **{"purpose": "give the thing", "timeout_s": 20, **options})


async def test_the_body_of_the_answer_comes_back() -> None:
    async with answering(b"the thing", status=201) as (origin, requests):
        assert await ask_at(origin) == b"the thing"
    (request,) = requests
    assert (request.method, request.path, request.body) == ("GET", "/v1/thing", b"")
    assert not {"xi-api-key", "Authorization", "Cookie"} & set(request.headers)


async def test_key_and_body_are_sent() -> None:
    body = aiohttp.BytesPayload(b"{}", content_type="application/json")
    async with answering(b"") as (origin, requests):
        await ask_at(origin, "POST", key=KEY, body=body)
    (request,) = requests
    assert (request.method, request.body) == ("POST", b"{}")
    assert request.headers["xi-api-key"] == "secret-key"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ({"detail": {"status": "not_found", "message": "No such thing"}}, "No such thing"),
        ({"detail": "Not Found"}, "Not Found"),
        (
            {"detail": [{"loc": ["query"], "msg": "is missing"}, {"msg": "is odd"}]},
            "is missing; is odd",
        ),
        ({"detail": {"message": "no key secret-key, alas"}}, "no key …, alas"),
        ({"detail": "x" * 1000}, "x" * 300),
        ({"detail": [{"loc": ["query"]}]}, None),
        ({"detail": 7}, None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
    ],
)
async def test_a_refusal_has_the_servers_own_explanation(answer: Any, detail: str | None) -> None:
    async with answering(answer, status=404) as (origin, _):
        with pytest.raises(RequestRefused, match="did not give the thing: HTTP status 404") as e:
            await ask_at(origin, key=KEY)
    assert (e.value.http_status, e.value.detail) == (404, detail)
    assert str(e.value).endswith(detail or "404")


async def test_an_answer_without_end_is_cut_off() -> None:
    async with answering(b"x" * 1_000_000) as (origin, _):
        answer = await ask_at(origin)
    assert ANSWER_LIMIT_BYTES < len(answer) < 2 * ANSWER_LIMIT_BYTES


async def test_a_redirect_does_not_carry_the_key_elsewhere() -> None:
    async with answering(b"") as (elsewhere, stolen):
        location = {"Location": elsewhere.replace("ws:", "http:")}
        async with answering(b"", status=302, headers=location) as (origin, _):
            with pytest.raises(RequestRefused, match="302"):
                await ask_at(origin, key=KEY)
    assert stolen == []


async def test_what_is_for_this_machine_goes_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(b"") as (origin, requests), answering(b"") as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy.replace("ws:", "http:"))
        await ask_at(origin, key=KEY)
    assert len(requests) == 1
    assert seen == []


async def test_what_is_for_elsewhere_goes_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(b"the thing") as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy.replace("ws:", "http:"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert await ask_at("http://agents.example") == b"the thing"
    assert len(seen) == 1


async def test_a_server_that_is_not_there_is_named() -> None:
    async with answering() as (origin, _):
        pass
    with pytest.raises(RequestFailed, match=r"^http://127.0.0.1:\d+ cannot be asked to give") as e:
        await ask_at(origin, key=KEY)
    assert not isinstance(e.value, RequestRefused)
    assert "secret-key" not in "".join(traceback.format_exception(e.value))


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with answering() as (origin, _):
        with pytest.raises(RequestFailed, match=r"did not give the thing within 0\.05 s"):
            await ask_at(origin, timeout_s=0.05)


async def test_cancelling_ends_the_request() -> None:
    before = asyncio.all_tasks()
    async with answering() as (origin, requests):
        asking = asyncio.create_task(ask_at(origin))
        await eventually(lambda: requests)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert asyncio.all_tasks() <= before


async def test_the_servers_certificate_is_checked_by_the_given_context() -> None:
    class Recording(ssl.SSLContext):
        used = False

        def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
            self.used = True
            return super().wrap_bio(*arguments, **options)

    context = Recording(ssl.PROTOCOL_TLS_CLIENT)
    async with answering(b"") as (origin, requests):
        with pytest.raises(RequestFailed, match="cannot be asked to give the thing"):
            await ask_at(origin.replace("ws:", "https:"), ssl_context=context)
    assert context.used
    assert requests == []


@pytest.mark.parametrize("timeout", ["10", None, True])
def test_a_limit_is_a_number(timeout: object) -> None:
    with pytest.raises(TypeError, match="timeout must be a number of seconds"):
        checked_timeout_s(timeout)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_limit_is_positive_and_finite(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
        checked_timeout_s(timeout)


async def test_an_agent_in_memory_cannot_be_asked() -> None:
    with pytest.raises(RequestFailed, match="memory://agent-1 cannot be asked to give the thing"):
        await ask_at("memory://agent-1")
