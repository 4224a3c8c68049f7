"""`duologue talk`, up to the conversation."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner, Result

from duologue.cli.talk.command import talk
from duologue.cli.talk.options import AgentOptions, TalkOptions

app = typer.Typer()
app.command()(talk)


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[AgentOptions]]:
    """The agents that were talked to."""
    monkeypatch.delenv("DUOLOGUE_ORIGIN", raising=False)
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


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--region", "us"], "AGENT_ID"),
        (["agent_1", "--region", "us", "--origin", "ws://host"], "contradict"),
        (["agent_1", "--region", "mars"], "mars"),
    ],
)
def test_a_region_that_does_not_fit_is_refused(
    arguments: list[str], complaint: str, agents: list[AgentOptions]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert not agents
