"""Tokens for WebRTC: who gets one, and what those hear who do not. No LiveKit runs here."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from duologue.agent.access.keys import KeyFile
from duologue.agent.settings import LiveKitSettings
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define, serving

PATH = "/v1/convai/conversation/token"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def unreachable() -> Iterator[LiveKitSettings]:
    """A LiveKit server at a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        yield LiveKitSettings(url, "key", "a secret of this test: 32 bytes or more")


@pytest.fixture
async def origin(keys: KeyFile, unreachable: LiveKitSettings) -> AsyncIterator[str]:
    async with serving(
        ScriptedSpeech(),
        define("private", private=True),
        define("open"),
        keys=keys,
        livekit=unreachable,
    ) as origin:
        yield origin


async def ask(origin: str, agent_id: str = "", **headers: str) -> tuple[int, Any, Any]:
    """The HTTP status, the JSON, and the headers of a request for a token."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{origin}{PATH}", params={"agent_id": agent_id}, headers=headers) as answer,
    ):
        return answer.status, await answer.json(), answer.headers


async def test_a_server_without_livekit_says_so() -> None:
    async with serving(ScriptedSpeech(), define("open")) as origin:
        status, answer, _ = await ask(origin, "open")
    assert status == 501
    assert "Use WebSocket" in answer["detail"]["message"]


async def test_an_unknown_agent_is_named(origin: str) -> None:
    status, answer, _ = await ask(origin, "nobody")
    assert status == 404
    assert "nobody" in answer["detail"]["message"]


async def test_the_agent_has_to_be_named(origin: str) -> None:
    assert (await ask(origin))[0] == 422


async def test_a_private_agent_needs_a_key(origin: str, keys: KeyFile) -> None:
    keys.create("back end")
    status, answer, _ = await ask(origin, "private")
    assert status == 401
    assert "xi-api-key" in answer["detail"]["message"]
    status, answer, _ = await ask(origin, "private", **{"xi-api-key": "duologue_guessed"})
    assert status == 401
    assert answer["detail"]["status"] == "invalid_api_key"


async def test_who_may_have_a_token_hears_that_livekit_is_away(origin: str, keys: KeyFile) -> None:
    assert (await ask(origin, "open"))[0] == 503
    status, answer, _ = await ask(origin, "private", **{"xi-api-key": keys.create("back end")})
    assert status == 503
    assert answer["detail"]["status"] == "room_not_available"


@pytest.mark.parametrize("agent_id", ["open", "nobody"])
async def test_a_browser_may_read_the_answer(origin: str, agent_id: str) -> None:
    _, _, headers = await ask(origin, agent_id, Origin="https://page.example")
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_a_browser_may_post_json(origin: str) -> None:
    preflight = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.options(f"{origin}{PATH}", headers=preflight) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()
