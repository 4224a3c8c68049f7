"""`duologue worker`, up to the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from duologue.agent.parent import read_announcement
from duologue.agent.settings import MOST_CALLS, LiveKitSettings
from duologue.cli.worker import worker
from duologue.errors import AgentDefinitionError, ServerError

app = typer.Typer()
app.command()(worker)

LIVEKIT = {
    "LIVEKIT_URL": "wss://livekit.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret",
}


class Run:
    """What the command would have run."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.livekit: LiveKitSettings | None = None
        self.options: dict[str, Any] = {}
        self.voice_seed: int | None = None

    def local_speech(self, local_models: object, *, voice_seed: int | None) -> str:
        self.voice_seed = voice_seed
        return "speech"

    def run_worker(
        self,
        definitions: dict[str, Any],
        speech: object,
        livekit: LiveKitSettings,
        *,
        ready: Callable[[], object],
        **options: Any,
    ) -> None:
        self.definitions = definitions
        self.livekit = livekit
        self.options = options
        ready()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for name in (
        *("DUOLOGUE_LLM_BASE_URL", "DUOLOGUE_LLM_MODEL", "DUOLOGUE_LLM_API_KEY"),
        "DUOLOGUE_VOICE_SEED",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in LIVEKIT.items():
        monkeypatch.setenv(name, value)
    run = Run()
    with (
        patch("duologue.agent.rooms.process.run_worker", run.run_worker),
        patch("duologue.agent.speech.local.LocalSpeech", run.local_speech),
        patch("duologue.agent.speech.models.ensure"),
        patch("duologue.cli.worker.start_logging"),
    ):
        yield run


def test_it_takes_calls_from_livekit_and_tells_so(run: Run) -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert "wss://livekit.example sends calls with default here" in result.output
    assert run.livekit == LiveKitSettings("wss://livekit.example", "key", "secret")
    assert list(run.definitions) == ["default"]
    assert run.options == {"most_calls": MOST_CALLS, "drain_s": 0.0}
    assert "secret" not in result.output


def test_it_is_told_how_much_it_can_do_and_how_long_it_may_go_on(run: Run) -> None:
    assert CliRunner().invoke(app, ["--max-calls", "3", "--drain", "600"]).exit_code == 0
    assert run.options == {"most_calls": 3, "drain_s": 600.0}


def test_the_voice_can_be_told_a_seed(run: Run) -> None:
    assert CliRunner().invoke(app, ["--voice-seed", "7"]).exit_code == 0
    assert run.voice_seed == 7


def test_agents_come_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cook.yaml").write_text("name: Cook\n")
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 0
    assert list(run.definitions) == ["cook"]


@pytest.mark.parametrize("missing", LIVEKIT)
def test_without_livekit_there_are_no_calls(
    run: Run, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    result = CliRunner().invoke(app, [])
    assert isinstance(result.exception, ServerError)
    assert f"not set: {missing}" in str(result.exception)


def test_a_file_that_is_missing_is_an_error(run: Run, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "nobody.yaml")])
    assert isinstance(result.exception, AgentDefinitionError)


def test_a_program_that_starts_it_is_told_when_it_is_ready_and_ends_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(fileno=lambda: 7))
    with patch("duologue.cli.worker.interrupt_at_end_of") as ends_with:
        worker(embedded=True)
    ends_with.assert_called_once_with(7)
    assert read_announcement(capsys.readouterr().out) == "wss://livekit.example"
