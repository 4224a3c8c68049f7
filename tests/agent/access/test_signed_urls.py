"""Signed URLs, from the request to the conversation, over a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from duologue.agent.access.keys import KeyFile
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import calling, define, serving

PRIVATE_ID = "my guide & co"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
async def origin(keys: KeyFile) -> AsyncIterator[str]:
    async with serving(
        ScriptedSpeech(), define(PRIVATE_ID, private=True), define("open"), keys=keys
    ) as origin:
        yield origin


async def ask(
    origin: str, agent_id: str | None = None, key: str | None = None, **headers: str
) -> tuple[int, Any]:
    """The HTTP status and the JSON of a request for a signed URL."""
    if key is not None:
        headers["xi-api-key"] = key
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{origin}/v1/convai/conversation/get-signed-url",
            params={} if agent_id is None else {"agent_id": agent_id},
            headers=headers,
        ) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_conversation_begins_with_the_url_as_it_is(origin: str, keys: KeyFile) -> None:
    status, answer = await ask(origin, PRIVATE_ID, keys.create("back end"))
    assert status == 200
    assert answer["signed_url"].startswith(origin.replace("http://", "ws://"))
    (signature,) = parse_qs(urlsplit(answer["signed_url"]).query)["conversation_signature"]
    async with calling(origin, PRIVATE_ID, signature=signature) as client:
        await client.initiate()
        await client.expect("conversation_initiation_metadata")
    async with aiohttp.ClientSession() as session:
        await (await session.ws_connect(answer["signed_url"])).close()


async def test_it_is_for_its_agent_alone(origin: str, keys: KeyFile) -> None:
    _, answer = await ask(origin, "open", keys.create("back end"))
    (signature,) = parse_qs(urlsplit(answer["signed_url"]).query)["conversation_signature"]
    async with calling(origin, PRIVATE_ID, signature=signature) as client:
        code, reason = await client.expect_close()
    assert code == 1008
    assert "another agent" in str(reason)


async def test_the_url_names_the_host_that_was_asked(origin: str, keys: KeyFile) -> None:
    key = keys.create("back end")
    _, answer = await ask(origin, "open", key, Host="voice.example:8443")
    assert answer["signed_url"].startswith("ws://voice.example:8443/v1/convai/conversation?")


async def test_behind_a_proxy_with_tls_the_url_has_tls(origin: str, keys: KeyFile) -> None:
    headers = {"Host": "voice.example", "X-Forwarded-Proto": "https"}
    _, answer = await ask(origin, "open", keys.create("back end"), **headers)
    assert answer["signed_url"].startswith("wss://voice.example/v1/convai/conversation?")


async def test_without_a_key_nothing_is_given(origin: str, keys: KeyFile) -> None:
    keys.create("back end")
    status, answer = await ask(origin, PRIVATE_ID)
    assert status == 401
    assert answer["detail"]["status"] == "needs_authorization"
    assert "xi-api-key" in answer["detail"]["message"]


async def test_a_wrong_key_is_refused_and_not_repeated(origin: str, keys: KeyFile) -> None:
    keys.create("back end")
    status, answer = await ask(origin, PRIVATE_ID, "duologue_guessed")
    assert status == 401
    assert answer["detail"]["status"] == "invalid_api_key"
    assert "guessed" not in str(answer)


async def test_a_revoked_key_is_refused_at_once(origin: str, keys: KeyFile) -> None:
    key = keys.create("back end")
    assert (await ask(origin, PRIVATE_ID, key))[0] == 200
    keys.revoke("back end")
    assert (await ask(origin, PRIVATE_ID, key))[0] == 401


async def test_an_unknown_agent_is_named_to_those_who_have_a_key(
    origin: str, keys: KeyFile
) -> None:
    status, answer = await ask(origin, "nobody", keys.create("back end"))
    assert status == 404
    assert answer["detail"]["status"] == "agent_not_found"
    assert "nobody" in answer["detail"]["message"]
    assert (await ask(origin, "nobody", "duologue_guessed"))[0] == 401


async def test_the_agent_has_to_be_named(origin: str, keys: KeyFile) -> None:
    status, answer = await ask(origin, None, keys.create("back end"))
    assert status == 422
    assert answer["detail"]["status"] == "missing_agent_id"


async def test_keys_that_cannot_be_read_are_the_servers_fault(
    origin: str, keys: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    keys.path.write_text("no keys")
    status, answer = await ask(origin, PRIVATE_ID, "duologue_guessed")
    assert status == 500
    assert str(keys.path) not in str(answer)
    assert str(keys.path) in caplog.text
