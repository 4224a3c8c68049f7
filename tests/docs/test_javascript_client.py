"""The page about the JavaScript client is complete, and what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final, NamedTuple, get_type_hints

import pytest

import duologue
from duologue import Orchestrator, Overrides, ToolMockConfig, VoiceConversation, VoiceOptions
from duologue.conversation.options import WebRtcOptions
from tests.docs import javascript_client as javascript

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "javascript-client.md"

THEIRS: Final = {
    "Options": javascript.OPTIONS,
    "Callbacks": javascript.CALLBACKS,
    "Methods": javascript.METHODS,
    "Exports": javascript.EXPORTS,
    "Traps": javascript.TRAPS,
}
OURS_ALONE: Final = "More than JavaScript"
GROUPS: Final[dict[str, Any]] = {
    "orchestrator": Orchestrator,
    "overrides": Overrides,
    "tool_mock_config": ToolMockConfig,
    "web_rtc": WebRtcOptions,
}
"""The options that have members."""

VERDICTS: Final = ("the same", "different")

OPTIONS: Final = {*VoiceOptions.__annotations__, "text_only"}
MEMBERS: Final = {name for name in dir(VoiceConversation) if not name.startswith("_")}
OF_THE_START: Final = {"abandon", "begin", "prepare"}
"""What `start_session` does with a conversation, and no caller."""

KNOWN: Final = {
    "Options": OPTIONS,
    "Callbacks": OPTIONS,
    "Methods": MEMBERS,
    "Exports": {*duologue.__all__, *OPTIONS},
    OURS_ALONE: {*duologue.__all__, *OPTIONS, *MEMBERS},
}


class Row(NamedTuple):
    """A row of a table: the name that it is about, what it is here, and what shows it."""

    section: str
    name: str
    ours: str
    meaning: str
    tests: tuple[str, ...]


def quoted(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def row_of(section: str, line: str) -> Row:
    first, *others, meaning, tests = (cell.strip() for cell in line.strip("|").split("|"))
    return Row(section, first.strip("`"), others[0] if others else first, meaning, quoted(tests))


def rows_of(page: str) -> list[Row]:
    found = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, *lines = section.splitlines()
        table = [line for line in lines if line.startswith("|")]
        found += [row_of(title, line) for line in table[2:]]  # below the head and its rule
    return found


ROWS: Final = rows_of(PAGE.read_text("utf-8"))


def of(*sections: str) -> list[Row]:
    return [row for row in ROWS if row.section in sections]


def label(row: Row) -> str:
    return f"{row.section}: {row.name}"


def exists(name: str, known: set[str]) -> bool:
    """Whether a caller finds that: `option["member"]`, `a.path.with.dots`, or one known name."""
    path, *_ = re.findall(r"[\w.]+", name)
    if "." in path:
        return _leads_somewhere(path if path.startswith("duologue.") else f"duologue.{path}")
    kind = GROUPS.get(path)
    for member in re.findall(r'\["(\w+)"\]', name):
        kind = get_type_hints(kind).get(member)
    return path in known and (path not in GROUPS or kind is not None)


def _leads_somewhere(path: str) -> bool:
    try:
        resolve_name(path)
    except (AttributeError, ImportError):
        return False
    return True


@cache
def collected() -> frozenset[str]:
    """The ids of all tests in the files that the page names, with their parameters and without."""
    files = {test.partition("::")[0] for row in ROWS for test in row.tests}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *_that_exist(files)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    ids = {line for line in result.stdout.splitlines() if "::" in line}
    return frozenset(ids | {one.partition("[")[0] for one in ids})


def _that_exist(files: set[str]) -> list[str]:
    return sorted(file for file in files if (ROOT / file).is_file())


@pytest.mark.parametrize("section", THEIRS)
def test_every_name_of_the_javascript_client_has_its_row(section: str) -> None:
    assert [row.name for row in of(section)] == list(THEIRS[section])


@pytest.mark.xdist_group("collected")  # in one process, so that tests are collected once
@pytest.mark.parametrize("row", ROWS, ids=label)
def test_every_row_says_what_is_there_and_is_shown_by_tests_that_exist(row: Row) -> None:
    assert row.ours
    assert row.meaning
    assert row.tests
    assert [test for test in row.tests if test not in collected()] == []


@pytest.mark.parametrize("row", of(*KNOWN), ids=label)
def test_every_name_of_ours_exists(row: Row) -> None:
    assert row.ours == "—" or quoted(row.ours)
    assert [name for name in quoted(row.ours) if not exists(name, KNOWN[row.section])] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.ours == "—"], ids=label)
def test_what_a_row_says_is_not_there_is_not_there(row: Row) -> None:
    in_python = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", row.name).lower()
    public = {*duologue.__all__, *OPTIONS, *MEMBERS}
    assert not {row.name, in_python} & public


@pytest.mark.parametrize("row", of("Traps"), ids=label)
def test_of_every_trap_it_is_said_whether_it_is_one_here(row: Row) -> None:
    assert row.ours in VERDICTS


@pytest.mark.parametrize("name", sorted(OPTIONS | (MEMBERS - OF_THE_START)))
def test_every_option_and_member_of_ours_has_its_row(name: str) -> None:
    named = {name for row in ROWS for one in quoted(row.ours) for name in re.findall(r"^\w+", one)}
    assert name in named
