"""The public names of the agent's side."""

import subprocess
import sys

import pytest

import duologue.agent


def test_every_public_name_is_there() -> None:
    for name in duologue.agent.__all__:
        assert getattr(duologue.agent, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = duologue.agent.no_such_name


def test_the_import_is_cheap() -> None:
    loaded = "import sys, duologue.agent; print({'livekit', 'numpy', 'fastapi'} & set(sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "set()"
