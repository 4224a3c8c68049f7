"""`duologue keys`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue.agent.access.keys import KeyFile
from duologue.cli.keys import keys_app
from duologue.errors import KeyFileError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("DUOLOGUE_KEYS_FILE", str(path))
    monkeypatch.setenv("COLUMNS", "300")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys_app, list(arguments))


def test_a_key_alone_goes_to_standard_output(path: Path) -> None:
    result = run("create", "back end")
    assert result.exit_code == 0
    assert KeyFile(path).has(result.stdout.removesuffix("\n"))
    assert "not shown again" in result.stderr
    assert str(path) in result.stderr


def test_the_list_has_names_and_times_and_no_key(path: Path) -> None:
    key = run("create", "[b]back end").stdout.strip()
    result = run("list")
    assert result.exit_code == 0
    assert "[b]back end" in result.stdout
    assert "UTC" in result.stdout
    assert str(path) in result.stdout
    assert key not in result.stdout


def test_a_revoked_key_is_gone(path: Path) -> None:
    key = run("create", "back end").stdout.strip()
    result = run("revoke", "back end")
    assert result.exit_code == 0
    assert "15 minutes" in result.stdout
    assert not KeyFile(path).has(key)


def test_a_name_that_is_not_there_is_told(path: Path) -> None:
    assert isinstance(run("revoke", "nobody").exception, KeyFileError)
