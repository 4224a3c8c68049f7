"""A private agent from both sides: our server, and our client with a key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from duologue import Conversation, SessionConnectionError, SignedUrlRefused, get_signed_url
from duologue.agent.access.keys import KeyFile
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define, serving


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def key(key_file: KeyFile) -> str:
    return key_file.create("tests")


@pytest.fixture
async def origin(key_file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    agents = define("private", private=True, text_only=True), define("public", text_only=True)
    async with serving(ScriptedSpeech(), *agents, keys=key_file) as origin:
        yield origin


async def test_with_a_key_the_client_finds_its_way_by_itself(origin: str, key: str) -> None:
    async with Conversation.start_session(
        agent_id="private", origin=origin, api_key=key, text_only=True
    ) as conversation:
        assert conversation.id.startswith("conv_")


async def test_a_back_end_gets_a_signed_url_for_its_user(origin: str, key: str) -> None:
    signed_url = await get_signed_url("private", api_key=key, origin=origin)
    async with Conversation.start_session(signed_url=signed_url, text_only=True) as conversation:
        assert conversation.is_open()


async def test_the_key_may_stand_in_the_environment(
    origin: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
    monkeypatch.setenv("DUOLOGUE_API_KEY", key)
    async with Conversation.start_session(agent_id="private", text_only=True) as conversation:
        assert conversation.is_open()


async def test_without_a_key_the_server_says_what_is_needed(origin: str) -> None:
    with pytest.raises(SessionConnectionError, match="needs a signed URL") as refused:
        await Conversation.start_session(agent_id="private", origin=origin, text_only=True)
    assert refused.value.close_code == 1008


async def test_a_wrong_key_is_refused_and_shown_nowhere(
    origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "duologue_" + "wrong"
    start = Conversation.start_session(
        agent_id="public", origin=origin, api_key=wrong, text_only=True
    )
    with pytest.raises(SignedUrlRefused, match="no key of this server") as refused:
        await start
    told = "".join(traceback.format_exception(refused.value))
    for shown in (told, repr(start), repr(refused.value), caplog.text):
        assert wrong not in shown


async def test_an_unfit_key_of_the_environment_keeps_nobody_from_a_public_agent(
    origin: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
    monkeypatch.setenv("DUOLOGUE_API_KEY", "of-another-server")
    async with Conversation.start_session(agent_id="public", text_only=True) as conversation:
        assert conversation.is_open()
    assert "taken for a public one" in caplog.text
    assert "of-another-server" not in caplog.text
