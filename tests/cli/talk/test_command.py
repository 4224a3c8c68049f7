"""`duologue talk`, up to the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner, Result

from duologue.cli.talk.command import talk
from duologue.cli.talk.options import AgentOptions, TalkOptions
from duologue.conversation.options.transport import ConnectionType

app = typer.Typer()
app.command()(talk)


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[AgentOptions]]:
    """The agents that were talked to."""
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    called: list[AgentOptions] = []

    async def converse(options: TalkOptions) -> None:
        called.append(options.agent)

    with patch("duologue.cli.talk.command.talk_written", converse):
        yield called


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--text", *arguments])


@pytest.mark.parametrize(
    ("arguments", "origin"),
    [
        ([], "wss://api.elevenlabs.io"),
        (["--origin", "http://127.0.0.1:8080"], "ws://127.0.0.1:8080"),
        (["--region", "eu-residency"], "wss://api.eu.residency.elevenlabs.io"),
    ],
)
def test_an_agent_is_at_elevenlabs_or_where_it_is_said_to_be(
    arguments: list[str], origin: str, agents: list[AgentOptions]
) -> None:
    assert run("agent_1", *arguments).exit_code == 0
    assert agents == [{"agent_id": "agent_1", "origin": origin}]


@pytest.mark.parametrize("transport", ["websocket", "webrtc"])
def test_an_agent_elsewhere_is_reached_over_the_transport_that_is_named(
    transport: str, agents: list[AgentOptions]
) -> None:
    assert run("agent_1", "--transport", transport).exit_code == 0
    assert [agent["connection_type"] for agent in agents] == [transport]


@pytest.mark.parametrize(
    ("arguments", "transport"),
    [([], "websocket"), (["--transport", "webrtc"], "webrtc")],
)
def test_the_agent_on_this_machine_is_reached_over_websocket_unless_webrtc_is_asked_for(
    arguments: list[str], transport: str, agents: list[AgentOptions]
) -> None:
    @asynccontextmanager
    async def started(*_: object, transport: ConnectionType) -> AsyncIterator[AgentOptions]:
        yield {"connection_type": transport}

    with patch("duologue.cli.talk.command.own_agent", started):
        assert run(*arguments).exit_code == 0
    assert agents == [{"connection_type": transport}]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--region", "us"], "AGENT_ID"),
        (["agent_1", "--region", "us", "--origin", "ws://host"], "contradict"),
        (["agent_1", "--region", "mars"], "mars"),
        (["--transport", "pigeon"], "pigeon"),
        (["agent_1", "--override", "agent.first_mesage=Hi"], "did you"),
        (["agent_1", "--dynamic-variable", "name"], "expected name=value"),
        (["agent_1", "--signed-url", "wss://h"], "names its agent"),
        (["--signed-url", "nonsense"], "signed_url is not a WebSocket URL"),
        (["--signed-url", "wss://h", "--agent-file", "a.yaml"], "--agent-log are"),
        (["--api-key-file", "key"], "goes with AGENT_ID"),
        (["agent_1", "--api-key-file", "missing"], "cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused(
    arguments: list[str], complaint: str, agents: list[AgentOptions]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert not agents


def test_a_signed_url_is_all_that_is_needed(agents: list[AgentOptions]) -> None:
    signed_url = "wss://h/v1/convai/conversation?agent_id=a&conversation_signature=s"
    assert run("--signed-url", signed_url).exit_code == 0
    assert agents == [{"signed_url": signed_url}]


def test_a_conversation_has_its_variables_and_overrides(agents: list[AgentOptions]) -> None:
    result = run(
        "agent_1",
        *("--dynamic-variable", "name=Ada", "--dynamic-variable", "motto=a=b"),
        *("--override", "agent.first_message=Hi", "--override", "tts.speed=1.1"),
    )
    assert result.exit_code == 0
    [agent] = agents
    assert agent["dynamic_variables"] == {"name": "Ada", "motto": "a=b"}
    assert agent["overrides"] == {"agent": {"first_message": "Hi"}, "tts": {"speed": 1.1}}
