"""`duologue models`: the models of the embedded agent, on this machine or not yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from duologue.agent.speech.models import (
    BUNDLED_MODELS,
    FileState,
    Model,
    ensure,
    find_model,
    is_present,
    megabytes,
    model_folder,
    models_folder,
    pull,
    verify,
)

STATE_STYLES: Final = {FileState.OK: "green", FileState.MISSING: "yellow"}

models_app = typer.Typer(
    no_args_is_help=True,
    help="List, fetch and check the models that the embedded agent runs on.",
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[MODEL]...", help="Which ones; default all.")
]


class ProgressBars:
    """A pull's report as sentences with one moving bar a download beneath them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def say(self, sentence: str) -> None:
        """Print the sentence above the bars."""
        self._progress.console.print(escape(sentence), highlight=False, soft_wrap=True)

    def progress(self, file_name: str, done_bytes: int, total_bytes: int) -> None:
        """Move the bar of this download, making it first if it is new."""
        if file_name not in self._tasks:
            self._tasks[file_name] = self._progress.add_task(file_name, total=total_bytes)
        self._progress.update(self._tasks[file_name], completed=done_bytes)


@models_app.command("list")
def list_models() -> None:
    """Show the models, and whether and where they are on this machine."""
    table = Table("name", "kind", "size", "state", "licence", box=None)
    for model in BUNDLED_MODELS:
        table.add_row(
            model.name,
            model.kind,
            megabytes(model.size_bytes),
            "[green]here[/]" if is_present(model) else "[yellow]missing[/]",
            model.licence,
        )
    Console().print(table)
    typer.echo(f"They are kept in {models_folder()}.")


@models_app.command("pull")
def pull_models(names: Names = None) -> None:
    """Fetch the models that are missing or damaged."""
    models = _chosen(names)
    with _progress_bars() as report:
        pull(models, report=report)
    for model in models:
        typer.echo(f"{model.name} is in {model_folder(model)}")


@models_app.command("verify")
def verify_models(names: Names = None) -> None:
    """Read every file of the models and compare its SHA-256; exits with 1 if one is not right."""
    console = Console()
    all_ok = True
    for model in _chosen(names):
        for check in verify(model):
            style = STATE_STYLES.get(check.state, "red")
            console.print(
                f"[{style}]{check.state:<10}[/] {escape(str(check.path))}",
                highlight=False,
                soft_wrap=True,
            )
            all_ok = all_ok and check.state is FileState.OK
    if not all_ok:
        console.print("`duologue models pull` fetches what is missing or damaged.")
        raise typer.Exit(1)


def pull_missing() -> None:
    """Fetch the bundled models that are not on this machine, saying so; quick if all are.

    Raises:
        ModelError: one cannot be fetched.
    """
    if all(is_present(model) for model in BUNDLED_MODELS):
        return
    with _progress_bars() as report:
        ensure(BUNDLED_MODELS, report=report)


@contextmanager
def _progress_bars() -> Iterator[ProgressBars]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(),
    ) as progress:
        yield ProgressBars(progress)


def _chosen(names: list[str] | None) -> tuple[Model, ...]:
    return tuple(find_model(name) for name in names) if names else BUNDLED_MODELS
