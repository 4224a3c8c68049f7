"""The agent that `talk` starts, in this process instead of one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from duologue import Conversation
from duologue.agent.access.keys import KeyFile
from duologue.agent.definition import load_definition
from duologue.cli.talk.own_agent import own_agent
from duologue.errors import ServerError
from duologue.testing import ScriptedSpeech
from tests.agent.harness import serving


class Started:
    """What has been started, in order."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def ensure_binary(self, say: object) -> None:
        self.steps.append("LiveKit is built")

    @asynccontextmanager
    async def embedded_agent(
        self,
        *,
        definition: Path | None,
        environment: Mapping[str, str],
        with_livekit: bool,
        **options: Any,
    ) -> AsyncIterator[str]:
        assert definition is not None
        self.steps.append("an agent with LiveKit" if with_livekit else "an agent")
        keys = KeyFile(Path(environment["DUOLOGUE_KEYS_FILE"]))
        async with serving(ScriptedSpeech(), load_definition(definition), keys=keys) as origin:
            yield origin


@pytest.fixture(autouse=True)
def started() -> Iterator[Started]:
    started = Started()
    with (
        patch("duologue.cli.talk.own_agent.embedded_agent", started.embedded_agent),
        patch("duologue.cli.talk.own_agent.ensure_binary", started.ensure_binary),
        patch("duologue.cli.talk.own_agent.pull_missing"),
    ):
        yield started


def defined(folder: Path, *, private: bool = False) -> Path:
    path = folder / "guide.yaml"
    path.write_text(f"platform_settings: {{auth: {{enable_auth: {str(private).lower()}}}}}\n")
    return path


async def test_a_public_agent_is_called_by_its_id(tmp_path: Path) -> None:
    async with own_agent(defined(tmp_path), None, transport="websocket") as agent:
        assert agent.keys() == {"agent_id", "origin", "connection_type"}
        async with Conversation.start_session(text_only=True, **agent) as conversation:
            assert conversation.is_open()


async def test_a_private_agent_lets_its_own_talk_in(tmp_path: Path) -> None:
    definition = defined(tmp_path, private=True)
    async with own_agent(definition, None, transport="websocket") as agent:
        assert agent.keys() == {"agent_id", "origin", "api_key", "connection_type"}
        async with Conversation.start_session(text_only=True, **agent) as conversation:
            assert conversation.is_open()


async def test_for_webrtc_livekit_is_built_before_the_agent_is_started_with_it(
    tmp_path: Path, started: Started
) -> None:
    async with own_agent(defined(tmp_path), None, transport="webrtc") as agent:
        assert agent["connection_type"] == "webrtc"
    assert started.steps == ["LiveKit is built", "an agent with LiveKit"]


async def test_for_websocket_no_livekit_is_needed(tmp_path: Path, started: Started) -> None:
    async with own_agent(defined(tmp_path), None, transport="websocket"):
        pass
    assert started.steps == ["an agent"]


async def test_where_livekit_cannot_be_built_no_agent_is_started(
    tmp_path: Path, started: Started
) -> None:
    with (
        patch("duologue.cli.talk.own_agent.ensure_binary", side_effect=ServerError("no Go")),
        pytest.raises(ServerError, match="no Go"),
    ):
        async with own_agent(defined(tmp_path), None, transport="webrtc"):
            pass
    assert started.steps == []
