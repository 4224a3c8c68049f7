"""A real agent on this machine for everybody's client, a voice to talk to it, an ear to hear it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from duologue.agent.access.keys import KeyFile
from duologue.agent.rooms.livekit_server import running_livekit_server
from duologue.agent.settings import VOICE_SEED as VOICE_SEED_VARIABLE
from duologue.agent.settings import LiveKitSettings
from tests.real.agent_process import AgentServer, running_agent_server
from tests.real.speech import VOICE_SEED, Listener, SpokenSentences

AGENTS = Path(__file__).with_name("agents")


@pytest.fixture(scope="session", autouse=True)
def same_voice() -> Iterator[None]:
    """Agents in other processes say a text the same way every time."""
    with patch.dict(os.environ, {VOICE_SEED_VARIABLE: str(VOICE_SEED)}):
        yield


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitSettings]:
    """A LiveKit server on loopback."""
    log = tmp_path_factory.mktemp("livekit") / "livekit.log"
    with running_livekit_server(print, log=log) as settings:
        yield settings


@pytest.fixture(scope="session")
def agent_server(
    tmp_path_factory: pytest.TempPathFactory, livekit: LiveKitSettings
) -> Iterator[AgentServer]:
    """`duologue serve` with the agents of the folder `agents`, on the real models."""
    folder = tmp_path_factory.mktemp("agent-server")
    keys = KeyFile(folder / "keys.json")
    with running_agent_server(AGENTS, folder / "serve.log", keys, livekit) as server:
        yield server


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> SpokenSentences:
    """Says a sentence: `spoken(text, sample_rate_hz, voice=…)` gives its samples."""
    return SpokenSentences(tmp_path_factory.mktemp("spoken"))


@pytest.fixture(scope="session")
def transcribe() -> Iterator[Listener]:
    """Writes down what is said: `transcribe(samples, sample_rate_hz)` gives it in lower case."""
    listener = Listener()
    yield listener
    listener.close()
