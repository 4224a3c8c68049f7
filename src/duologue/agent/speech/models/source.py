"""What every source of models has in common: its verb, its failure, and the check at its end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from duologue.agent.speech.models.registry import Model, ModelFile, sha256_of
from duologue.agent.speech.models.report import PullReport


class SourceFailed(Exception):
    """A source could not deliver; the sentence says why. Another source may."""


class ModelSource(Protocol):
    """A place that models come from."""

    @property
    def name(self) -> str:
        """The source's name in sentences."""

    def fetch(
        self, model: Model, files: Sequence[ModelFile], home: Path, report: PullReport
    ) -> None:
        """Put these files of the model, checked, under their final names in the folder `home`.

        Raises:
            SourceFailed: at least one file could not be had from here.
            OSError: the folder cannot be written, for example because the disk is full.
        """


def part_path(home: Path, file: ModelFile) -> Path:
    """Where a file grows until it is whole. It is kept when a download breaks, to go on there."""
    return home / f"{file.name}.part"


def accept(home: Path, file: ModelFile) -> None:
    """Give a grown file its final name if its SHA-256 is right; delete it if not.

    Raises:
        SourceFailed: the bytes are not the model's; they have been deleted.
        OSError: the file cannot be read, renamed or deleted.
    """
    part = part_path(home, file)
    came = sha256_of(part)
    if came != file.sha256:
        part.unlink()
        raise SourceFailed(
            f"{file.name} came with a wrong SHA-256 ({came}, expected {file.sha256}) "
            "and was deleted"
        )
    os.replace(part, home / file.name)
