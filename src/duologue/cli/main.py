"""The command `duologue` and how its errors reach a person."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from duologue.cli.devices import devices
from duologue.cli.keys import keys_app
from duologue.cli.models import models_app
from duologue.cli.serve import serve
from duologue.cli.talk.command import talk
from duologue.cli.worker import worker
from duologue.connection.http.endpoints import version
from duologue.errors import DuologueError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Talk with a voice agent, or run one on this machine.",
)
app.command()(talk)
app.command()(serve)
app.command()(worker)
app.command()(devices)
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"duologue {version()}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Talk with a voice agent, or run one on this machine."""


def main() -> None:
    """Run the command. An error that a user can meet is one sentence, not a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except DuologueError as error:
        typer.echo(f"duologue: {error}", err=True)
        sys.exit(1)
