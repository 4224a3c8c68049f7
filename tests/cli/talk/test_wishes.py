from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from duologue.cli.talk.wishes import check, let_key_count_for, with_wishes
from duologue.connection.http.credentials import api_key_for

AGENT: Any = {"agent_id": "a", "origin": "wss://h"}


def test_nothing_asked_for_is_nothing_added() -> None:
    assert with_wishes(AGENT) == AGENT


def test_a_key_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("secret\n")
    assert with_wishes(AGENT, api_key_file=path) == {**AGENT, "api_key": "secret"}


@pytest.mark.parametrize("text", ["", " \n", "one\ntwo\n"])
def test_a_file_without_one_key_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(typer.BadParameter, match="must hold one key"):
        with_wishes(AGENT, api_key_file=path)


def test_the_command_line_comes_before_the_files(tmp_path: Path) -> None:
    variables, overrides = tmp_path / "v.json", tmp_path / "o.json"
    variables.write_text(json.dumps({"name": "Ada", "age": 36}))
    overrides.write_text(json.dumps({"agent": {"first_message": "Hi", "language": "en"}}))
    found = with_wishes(
        AGENT,
        variables=["name=Grace"],
        variables_file=variables,
        overrides=["agent.first_message=Hello", "agent.prompt.prompt=Be brief."],
        overrides_file=overrides,
    )
    assert found["dynamic_variables"] == {"name": "Grace", "age": 36}
    assert found["overrides"] == {
        "agent": {"first_message": "Hello", "language": "en", "prompt": {"prompt": "Be brief."}}
    }


@pytest.mark.parametrize(
    ("given", "value"),
    [("1.5", 1.5), ("true", True), ('"1"', "1"), ("plain words", "plain words"), ("", "")],
)
def test_a_value_is_json_or_text(given: str, value: object) -> None:
    assert with_wishes(AGENT, overrides=[f"a={given}"])["overrides"] == {"a": value}


@pytest.mark.parametrize("pair", ["a", "=1", "a..b=1", ".a=1"])
def test_an_override_that_names_no_key_is_refused(pair: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"path\.to\.key=value"):
        with_wishes(AGENT, overrides=[pair])


def test_an_override_below_a_value_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="has a value of its own"):
        with_wishes(AGENT, overrides=["agent=1", "agent.language=en"])


@pytest.mark.parametrize(("text", "what"), [("{", "is not JSON"), ("[]", "expected a JSON object")])
def test_a_file_that_is_no_object_is_named(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_text(text)
    with pytest.raises(typer.BadParameter, match=what):
        with_wishes(AGENT, variables_file=path)


def test_what_no_session_takes_is_told_before_it_starts() -> None:
    check(AGENT, text=True)
    with pytest.raises(typer.BadParameter, match="agent_id is empty"):
        check({"agent_id": " ", "origin": "wss://h"}, text=True)


@pytest.mark.parametrize(
    ("variables", "origin", "counts"),
    [
        ({}, "wss://mine", True),
        ({"DUOLOGUE_ORIGIN": "wss://mine"}, "wss://mine", True),
        ({"DUOLOGUE_ORIGIN": "wss://another"}, "wss://mine", False),
        ({}, "wss://api.elevenlabs.io", False),
    ],
    ids=str,
)
def test_a_key_alone_is_that_of_the_server_that_is_named(
    variables: dict[str, str], origin: str, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "")
    monkeypatch.setenv("DUOLOGUE_API_KEY", "secret")
    monkeypatch.delenv("ELEVENLABS_API_KEY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    let_key_count_for(origin)
    assert (api_key_for(origin, None) is not None) is counts
