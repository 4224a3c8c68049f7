"""What the command line asks of one conversation: a key, variables, overrides."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from duologue.cli.talk.options import AgentOptions
from duologue.connection.http.credentials import DUOLOGUE_KEY_VARIABLE, is_elevenlabs
from duologue.connection.http.endpoints import ORIGIN_VARIABLE
from duologue.conversation.options.plan import plan_session


def with_wishes(
    agent: AgentOptions,
    *,
    api_key_file: Path | None = None,
    variables: Sequence[str] = (),
    variables_file: Path | None = None,
    overrides: Sequence[str] = (),
    overrides_file: Path | None = None,
) -> AgentOptions:
    """An agent, and what this conversation with it is to have.

    Args:
        agent: which, and the way to it.
        api_key_file: holds the server's key and nothing else.
        variables: dynamic variables as `name=value`; they come before those of the file.
        variables_file: a JSON object of dynamic variables.
        overrides: as `path.to.key=value`, the value in JSON or as text; likewise.
        overrides_file: a JSON object of overrides.

    Raises:
        typer.BadParameter: one of them makes no sense.
    """
    wishes: AgentOptions = {}
    if api_key_file is not None:
        wishes["api_key"] = _secret_in(api_key_file)
    dynamic = {**_object_in("--dynamic-variables", variables_file), **_pairs(variables)}
    if dynamic:
        wishes["dynamic_variables"] = dynamic
    changed = _overridden(_object_in("--overrides", overrides_file), overrides)
    if changed:
        wishes["overrides"] = changed
    return {**agent, **wishes}


def check(agent: AgentOptions, *, text: bool) -> None:
    """See that a session can be asked for so, before anything is started.

    Raises:
        typer.BadParameter: it cannot; the sentence says why.
    """
    try:
        plan_session({**agent}, text_only=text)
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def let_key_count_for(origin: str) -> None:
    """Let `DUOLOGUE_API_KEY` be the key of the server that the command line names.

    It is that of the server in `DUOLOGUE_ORIGIN`; whoever sets the key alone and names a server
    means that one. ElevenLabs has a variable of its own.

    Args:
        origin: the server, as by `socket_origin`.
    """
    if os.environ.get(ORIGIN_VARIABLE) or is_elevenlabs(origin):
        return
    if os.environ.get(DUOLOGUE_KEY_VARIABLE):
        os.environ[ORIGIN_VARIABLE] = origin


def _secret_in(path: Path) -> str:
    secret = _text_in("--api-key-file", path).strip()
    if not secret or len(secret.splitlines()) != 1:
        raise typer.BadParameter(f"--api-key-file {path} must hold one key, on a line by itself")
    return secret


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(
                f"--dynamic-variable {pair!r}: expected name=value, such as name=Ada"
            )
        pairs[name.strip()] = value
    return pairs


def _overridden(overrides: dict[str, Any], given: Sequence[str]) -> dict[str, Any]:
    for pair in given:
        path, sign, value = pair.partition("=")
        keys = path.strip().split(".")
        if not sign or not all(keys):
            raise typer.BadParameter(
                f'--override {pair!r}: expected path.to.key=value, such as agent.first_message="Hi"'
            )
        _put(overrides, keys, _value(value), pair)
    return overrides


def _put(overrides: dict[str, Any], keys: Sequence[str], value: object, pair: str) -> None:
    *parents, last = keys
    place = overrides
    for key in parents:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise typer.BadParameter(f"--override {pair!r}: {key} has a value of its own already")
    place[last] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object_in(option: str, path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(_text_in(option, path))
    except ValueError as error:
        raise typer.BadParameter(f"{option} {path} is not JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise typer.BadParameter(f"{option} {path}: expected a JSON object")
    return dict(found)


def _text_in(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{option} {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{option} {path} is no text in UTF-8") from error
