from __future__ import annotations

from typing import Any

import pytest

from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.endpoints import version
from duologue.connection.http.tokens import (
    TokenAnswer,
    TokenRequest,
    fetch_conversation_token,
    get_conversation_token,
)
from duologue.errors import ConversationTokenRefused, SessionConnectionError
from tests.connection.answering import answering

KEY = ApiKey("secret", "api_key")


def request(origin: str, key: ApiKey | None = None, **more: Any) -> TokenRequest:
    return TokenRequest(origin=origin, agent_id="agent/1", key=key, **more)


async def test_the_key_and_the_agent_go_to_the_server_and_the_token_comes_back() -> None:
    async with answering({"token": "t"}) as (origin, requests):
        answer = await fetch_conversation_token(
            request(origin, KEY, environment="staging"), timeout_s=5
        )
    assert answer == TokenAnswer(token="t", livekit_url=None)
    (received,) = requests
    assert (received.method, received.path) == ("GET", "/v1/convai/conversation/token")
    assert received.query == {
        "agent_id": "agent/1",
        "source": "duologue",
        "version": version(),
        "environment": "staging",
    }
    assert received.headers["xi-api-key"] == "secret"


async def test_a_public_agent_needs_no_key() -> None:
    async with answering({"token": "t", "livekit_url": None}) as (origin, requests):
        await fetch_conversation_token(request(origin), timeout_s=5)
    assert "xi-api-key" not in requests[0].headers


async def test_a_server_may_say_where_its_rooms_are() -> None:
    async with answering({"token": "t", "livekit_url": "ws://127.0.0.1:7880"}) as (origin, _):
        answer = await fetch_conversation_token(request(origin), timeout_s=5)
    assert answer.livekit_url == "ws://127.0.0.1:7880"
    assert "'t'" not in repr(answer)


async def test_a_back_end_gets_a_token_for_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering({"token": "t"}) as (origin, requests):
        assert await get_conversation_token("a", api_key="k", origin=origin) == "t"
        monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
        monkeypatch.setenv("DUOLOGUE_API_KEY", "found")
        assert await get_conversation_token("a") == "t"
    assert [request.headers["xi-api-key"] for request in requests] == ["k", "found"]


async def test_a_key_goes_readably_over_no_network() -> None:
    with pytest.raises(ValueError, match="contradict each other"):
        await get_conversation_token("a", api_key="k", origin="ws://h")
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        await get_conversation_token("a", origin="wss://h", timeout=0)


@pytest.mark.parametrize(
    ("status", "key", "advice"),
    [
        (401, None, "needs a conversation_token .* or an api_key"),
        (403, KEY, "is it the key of this server"),
        (501, None, "has no WebRTC, so pass connection_type='websocket'"),
        (404, None, "is the agent there.* connection_type='websocket'"),
        (405, KEY, "is the agent there.* connection_type='websocket'"),
        (500, None, "HTTP status 500, because$"),
    ],
)
async def test_a_refusal_says_what_to_do(status: int, key: ApiKey | None, advice: str) -> None:
    async with answering({"detail": "because"}, status=status) as (origin, _):
        with pytest.raises(ConversationTokenRefused, match=advice) as raised:
            await fetch_conversation_token(request(origin, key), timeout_s=5)
    assert raised.value.http_status == status
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [b"", [], {}, {"token": ""}, {"token": 1}, {"token": "t", "livekit_url": "http://h"}],
)
async def test_an_answer_that_is_none_is_told(answer: Any) -> None:
    async with answering(answer) as (origin, _):
        with pytest.raises(SessionConnectionError, match="without a token for WebRTC"):
            await fetch_conversation_token(request(origin), timeout_s=5)


async def test_nobody_there_is_told() -> None:
    with pytest.raises(SessionConnectionError, match=r"ws?://127\.0\.0\.1:9|http://127"):
        await fetch_conversation_token(request("ws://127.0.0.1:9"), timeout_s=5)
