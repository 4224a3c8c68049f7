"""What the examples' README and their docstrings promise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.examples.runner import EXAMPLES, output_of

PROGRAMS = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_example_is_listed_and_says_how_it_is_run(program: str) -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"({program})" in listed or f"]({Path(program).parent.as_posix()}/" in listed
    documentation = ast.get_docstring(ast.parse((EXAMPLES / program).read_text(encoding="utf-8")))
    assert documentation
    assert f"python examples/{program}" in documentation


@pytest.mark.parametrize("program", PROGRAMS)
async def test_every_example_has_help_about_its_arguments(program: str) -> None:
    assert "usage:" in await output_of(program, "--help")
