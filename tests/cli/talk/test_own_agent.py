"""The agent that `talk` starts, in this process instead of one of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from duologue import Conversation
from duologue.agent.auth import ConversationSigner
from duologue.agent.definition import load_definition
from duologue.cli.talk.own_agent import own_agent
from duologue.testing import ScriptedSpeech
from tests.agent.harness import serving


@asynccontextmanager
async def embedded(
    *, definition: Path | None, environment: Mapping[str, str], **options: Any
) -> AsyncIterator[str]:
    assert definition is not None
    signer = ConversationSigner.from_environment(environment)
    agent = load_definition(definition)
    async with serving(ScriptedSpeech(), agent, signer=signer) as origin:
        yield origin


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DUOLOGUE_SIGNING_SECRET", raising=False)
    with (
        patch("duologue.cli.talk.own_agent.embedded_agent", embedded),
        patch("duologue.cli.talk.own_agent.pull_missing"),
    ):
        yield


def defined(folder: Path, *, private: bool) -> Path:
    path = folder / "guide.yaml"
    path.write_text(f"platform_settings: {{auth: {{enable_auth: {str(private).lower()}}}}}\n")
    return path


async def test_a_public_agent_is_called_by_its_id(tmp_path: Path) -> None:
    async with own_agent(defined(tmp_path, private=False), None) as agent:
        assert agent.keys() == {"agent_id", "origin"}
        async with Conversation.start_session(text_only=True, **agent) as conversation:
            assert conversation.is_open()


@pytest.mark.parametrize("secret", ["", "one that the owner of the server has chosen"])
async def test_a_private_agent_lets_its_own_talk_in(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_SIGNING_SECRET", secret)
    async with own_agent(defined(tmp_path, private=True), None) as agent:
        assert agent.keys() == {"signed_url"}
        async with Conversation.start_session(text_only=True, **agent) as conversation:
            assert conversation.is_open()
    assert os.environ["DUOLOGUE_SIGNING_SECRET"] == secret
