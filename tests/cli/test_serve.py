"""`duologue serve`, up to the models."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from duologue.agent.settings import LiveKitSettings
from duologue.agent.speech import models
from duologue.cli.serve import serve
from duologue.errors import AgentDefinitionError, ServerError

app = typer.Typer()
app.command()(serve)

LIVEKIT = {
    "LIVEKIT_URL": "wss://livekit.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret",
}


class Run:
    """What the command would have run."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.local_models: Any = None
        self.voice_seed: int | None = None
        self.ensured: list[str] = []
        self.listened: tuple[str, int] | None = None
        self.port = 0
        self.livekit: LiveKitSettings | None = None
        self.holds_room_calls = False

    def create_app(
        self,
        definitions: dict[str, Any],
        speech: Any,
        *,
        signer: Any,
        livekit: LiveKitSettings | None,
        holds_room_calls: bool,
    ) -> str:
        self.definitions = definitions
        self.livekit = livekit
        self.holds_room_calls = holds_room_calls
        return "app"

    def local_speech(self, local_models: Any, *, voice_seed: int | None) -> str:
        self.local_models = local_models
        self.voice_seed = voice_seed
        return "speech"

    def ensure(self, wanted: list[models.Model], report: object) -> None:
        self.ensured = [model.name for model in wanted]

    def listen(self, host: str, port: int) -> socket.socket:
        self.listened = (host, port)
        return socket.create_server(("127.0.0.1", 0))

    def run_server(self, app: object, listener: socket.socket, *, ready: Any) -> None:
        self.port = listener.getsockname()[1]
        ready()
        raise KeyboardInterrupt


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for name in (
        *("DUOLOGUE_LLM_BASE_URL", "DUOLOGUE_LLM_MODEL", "DUOLOGUE_LLM_API_KEY"),
        "DUOLOGUE_VOICE_SEED",
        *("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"),
    ):
        monkeypatch.delenv(name, raising=False)
    run = Run()
    with (
        patch("duologue.agent.app.create_app", run.create_app),
        patch("duologue.agent.speech.local.LocalSpeech", run.local_speech),
        patch("duologue.agent.speech.models.ensure", run.ensure),
        patch("duologue.cli.serve.listen", run.listen),
        patch("duologue.agent.server.run_server", run.run_server),
        patch("duologue.cli.serve.start_logging"),
    ):
        yield run


def test_the_agent_that_is_built_in_is_served_and_the_url_told(run: Run) -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert f"http://127.0.0.1:{run.port} has the agents default." in result.output
    assert run.listened == ("127.0.0.1", 8080)
    assert list(run.definitions) == ["default"]


def test_agents_come_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cook.yaml").write_text("name: Cook\n")
    result = CliRunner().invoke(app, [str(tmp_path), "--port", "0", "--host", "::1"])
    assert result.exit_code == 0
    assert list(run.definitions) == ["cook"]
    assert run.listened == ("::1", 0)


@pytest.mark.parametrize(
    ("arguments", "environment", "seed"),
    [
        ([], {}, None),
        (["--voice-seed", "7"], {}, 7),
        ([], {"DUOLOGUE_VOICE_SEED": "8"}, 8),
        (["--voice-seed", "7"], {"DUOLOGUE_VOICE_SEED": "8"}, 7),
    ],
)
def test_the_voice_can_be_told_a_seed(
    run: Run, arguments: list[str], environment: dict[str, str], seed: int | None
) -> None:
    assert CliRunner().invoke(app, arguments, env=environment).exit_code == 0
    assert run.voice_seed == seed


@pytest.mark.parametrize("seed", ["-1", "one"])
def test_a_seed_that_is_no_whole_number_is_named(run: Run, seed: str) -> None:
    result = CliRunner().invoke(app, [], env={"DUOLOGUE_VOICE_SEED": seed})
    assert result.exit_code == 2
    assert "DUOLOGUE_VOICE_SEED" in result.output


def test_half_a_language_model_is_an_error(run: Run) -> None:
    result = CliRunner().invoke(app, ["--llm-model", "mine"])
    assert isinstance(result.exception, ServerError)
    assert run.listened is None


def test_a_file_that_is_missing_is_an_error(run: Run, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "nobody.yaml")])
    assert isinstance(result.exception, AgentDefinitionError)


def test_a_signing_secret_that_is_too_short_is_an_error(run: Run) -> None:
    result = CliRunner().invoke(app, [], env={"DUOLOGUE_SIGNING_SECRET": "short"})
    assert isinstance(result.exception, ServerError)
    assert not run.ensured


def test_without_livekit_there_is_no_webrtc(run: Run) -> None:
    assert CliRunner().invoke(app, []).exit_code == 0
    assert run.livekit is None


def test_livekit_is_named_by_its_own_variables(run: Run) -> None:
    assert CliRunner().invoke(app, [], env=LIVEKIT).exit_code == 0
    assert run.livekit == LiveKitSettings("wss://livekit.example", "key", "secret")
    assert run.holds_room_calls


def test_livekit_of_ones_own_runs_as_long_as_the_server(run: Run) -> None:
    own = LiveKitSettings("ws://127.0.0.1:7", "key", "secret")
    with patch("duologue.agent.rooms.livekit_server.running_livekit_server") as running:
        running.return_value.__enter__.return_value = own
        result = CliRunner().invoke(app, ["--livekit-dev"])
    assert result.exit_code == 0
    assert run.livekit == own
    assert "LiveKit runs at ws://127.0.0.1:7" in result.output
    assert "secret" not in result.output
    running.return_value.__exit__.assert_called_once()


def test_calls_over_webrtc_can_be_left_to_workers(run: Run) -> None:
    assert CliRunner().invoke(app, ["--no-worker"], env=LIVEKIT).exit_code == 0
    assert run.livekit == LiveKitSettings("wss://livekit.example", "key", "secret")
    assert not run.holds_room_calls


def test_without_livekit_there_is_nothing_to_leave_to_workers(run: Run) -> None:
    result = CliRunner().invoke(app, ["--no-worker"])
    assert isinstance(result.exception, ServerError)
    assert "not set: LIVEKIT_URL" in str(result.exception)


def test_livekit_of_ones_own_has_no_other_workers(run: Run) -> None:
    result = CliRunner().invoke(app, ["--no-worker", "--livekit-dev"])
    assert isinstance(result.exception, ServerError)
    assert "leave one of them out" in str(result.exception)
    assert run.listened is None
