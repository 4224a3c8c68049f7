"""`duologue keys`: who may ask the server on this machine for signed URLs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from duologue.agent.access.keys import KeyFile, keys_file

keys_app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke the keys with which back ends get signed URLs for private agents.",
)

Name = Annotated[str, typer.Argument(help="A name by which you know the key.")]


@keys_app.command("create")
def create_key(name: Name) -> None:
    """Make a key and print it. It is shown this once: only its hash is kept."""
    keys = KeyFile(keys_file())
    key = keys.create(name)
    typer.echo(f"Keep this key, it is not shown again. Its hash is in {keys.path}.", err=True)
    typer.echo(key)


@keys_app.command("list")
def list_keys() -> None:
    """Show the names of the keys, and when they were made."""
    keys = KeyFile(keys_file())
    table = Table("name", "created", box=None)
    for key in keys.entries():
        table.add_row(escape(key.name), f"{key.created_at:%Y-%m-%d %H:%M} UTC")
    Console().print(table)
    typer.echo(f"They are kept in {keys.path}.")


@keys_app.command("revoke")
def revoke_key(name: Name) -> None:
    """Take a key away. A server that runs refuses it from now on."""
    KeyFile(keys_file()).revoke(name)
    typer.echo(f"The key {name!r} is revoked; URLs that it has got stay valid for 15 minutes.")
