"""The generated files: which there are, and writing them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.generate_blocking.conversations import conversation_definitions
from scripts.generate_blocking.entry import (
    function_definitions,
    option_definitions,
    start_definition,
)
from scripts.generate_blocking.names import Imports
from scripts.generate_blocking.package import package_module
from scripts.generate_blocking.pieces import Definition, counterpart_of

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src/duologue/blocking"
GENERATED: Final = PACKAGE / "generated"

PACKAGE_DOCSTRING: Final = '"""What `make blocking` generates; nothing here is edited by hand."""'


def generate() -> dict[Path, str]:
    """Every generated file, and what is to be in it."""
    definitions = [
        *conversation_definitions(),
        *option_definitions(),
        start_definition(),
        *function_definitions(),
    ]
    files = {PACKAGE / "__init__.py": package_module()}
    for origin in dict.fromkeys(definition.origin for definition in definitions):
        path = _path(counterpart_of(origin))
        files[path] = _module(origin, definitions)
        files[path.parent / "__init__.py"] = PACKAGE_DOCSTRING
    files[GENERATED / "__init__.py"] = PACKAGE_DOCSTRING
    return {path: _formatted(path, text) for path, text in files.items()}


def write() -> None:
    """Write every file anew, and remove what is no longer generated."""
    files = generate()
    for path in {*GENERATED.rglob("*.py")} - files.keys():
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _path(module_name: str) -> Path:
    return ROOT / "src" / f"{module_name.replace('.', '/')}.py"


def _module(origin: str, definitions: list[Definition]) -> str:
    """The file with the counterparts of what one module defines."""
    here = [definition for definition in definitions if definition.origin == origin]
    imports = Imports()
    for definition in here:
        imports.add(definition.imports)
    return "\n\n".join(
        [
            f'"""Generated from `{origin}` by `make blocking`; not to be edited."""',
            imports.statements(besides=counterpart_of(origin)),
            *[definition.text for definition in here],
        ]
    )


def _formatted(path: Path, text: str) -> str:
    """The text as `make format` leaves it: with sorted imports, and laid out."""
    for arguments in (["check", "--select", "I", "--fix"], ["format"]):
        text = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                *arguments,
                "--quiet",
                "--stdin-filename",
                str(path),
                "-",
            ],
            cwd=ROOT,
            input=text,
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=60,
        ).stdout
    return text
