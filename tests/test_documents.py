"""The examples of the documents run as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue import testing

DOCUMENT = Path(__file__).parents[1] / "docs" / "testing.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OF_THE_AGENTS_HALF = {"ModelBehaviour", "ScriptedSpeech"}
FOR_TYPE_CHECKERS = {"ClientGone", "DEFAULT_METADATA", "Script", "Step"}


def examples() -> dict[str, Callable[[], None]]:
    """The tests that the document shows: its blocks are one program, from top to bottom."""
    text = DOCUMENT.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in BLOCK.finditer(text):
        lines_before = text.count("\n", 0, block.start(1))  # so that a traceback tells the line
        exec(compile("\n" * lines_before + block[1], str(DOCUMENT), "exec"), names)
    return {name: value for name, value in names.items() if name.startswith("test_")}


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_testing_pass(name: str) -> None:
    EXAMPLES[name]()


@pytest.mark.parametrize(
    "name", sorted({*testing.__all__} - OF_THE_AGENTS_HALF - FOR_TYPE_CHECKERS)
)
def test_every_stand_in_for_tests_of_clients_is_shown(name: str) -> None:
    assert re.search(rf"\b{name}\b", DOCUMENT.read_text(encoding="utf-8"))
