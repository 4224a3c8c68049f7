"""What to install for commands that need more than the client."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from duologue.cli.extras import needing
from duologue.errors import DuologueError

WITHOUT_EXTRAS = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"fastapi", "livekit", "uvicorn", "yaml", "pip"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["duologue", *sys.argv[1:]]
from duologue.__main__ import main
main()
"""


def run_without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_missing_package_is_named_with_the_extra_that_brings_it() -> None:
    sentence = r"no_such_package.*duologue\[local\]"
    with pytest.raises(DuologueError, match=sentence), needing("local"):
        importlib.import_module("no_such_package")


def test_a_mistake_of_ours_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError), needing("local"):
        importlib.import_module("duologue.no_such_module")


@pytest.mark.parametrize("arguments", [["--version"], ["talk", "--help"], ["models", "--help"]])
def test_the_client_alone_has_its_commands(arguments: list[str]) -> None:
    finished = run_without_extras(*arguments)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("arguments", [["serve"], ["talk", "--text"]])
def test_the_agents_commands_say_what_is_missing(arguments: list[str]) -> None:
    finished = run_without_extras(*arguments)
    assert finished.returncode == 1
    assert "pip install 'duologue[local]'" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_agent_elsewhere_needs_nothing_more() -> None:
    finished = run_without_extras("talk", "x", "--text", "--origin", "http://127.0.0.1:9")
    assert finished.returncode == 1
    assert "cannot be reached" in finished.stderr
