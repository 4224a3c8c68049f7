"""The command `duologue` and how its errors reach a person."""

from __future__ import annotations

import sys

import pytest

from duologue.cli.main import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Run the command with these arguments; gives its exit code."""
    monkeypatch.setattr(sys, "argv", ["duologue", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_an_error_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "models", "pull", "whisper") == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("duologue: there is no model 'whisper'")
    assert "Traceback" not in shown.err


def test_the_version_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("duologue ")


@pytest.mark.parametrize("command", ["talk", "serve", "worker", "models", "keys"])
def test_every_command_explains_itself(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    assert "Usage" in capsys.readouterr().out
