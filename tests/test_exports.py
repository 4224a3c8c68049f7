from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import duologue
from duologue import testing

HEAVY = ("numpy", "samplerate", "aiohttp", "livekit", "miniaudio")


def test_every_public_name_resolves_where_it_is_said_to_live() -> None:
    homes = duologue._HOMES
    for home, names in homes.items():
        for name in names:
            assert getattr(duologue, name) is getattr(import_module(home), name)
    assert sorted(duologue.__all__) == sorted(name for names in homes.values() for name in names)


def test_public_names_are_listed() -> None:
    assert set(duologue.__all__) <= set(dir(duologue))


def test_a_name_that_does_not_exist_is_told() -> None:
    with pytest.raises(AttributeError, match="module 'duologue' has no attribute 'Konversation'"):
        getattr(duologue, "Konver" + "sation")


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = f"import sys, duologue; print([n for n in {HEAVY} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_written_conversation_loads_nothing_of_sound() -> None:
    program = (
        "import sys; from duologue import TextConversation; "
        "print([n for n in ('numpy', 'samplerate', 'miniaudio', 'livekit') if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_public_names_for_tests_resolve_where_they_are_said_to_live() -> None:
    assert sorted(testing.__all__) == sorted(testing._HOME_OF)
    for name, home in testing._HOME_OF.items():
        assert getattr(testing, name) is getattr(import_module(f"duologue.testing.{home}"), name)
    assert set(testing.__all__) <= set(dir(testing))


def test_a_name_for_tests_that_does_not_exist_is_told() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Mock'"):
        getattr(testing, "Mo" + "ck")


def test_tests_of_a_client_load_nothing_of_the_agent() -> None:
    program = (
        "import sys; from duologue.testing import Expect, MemoryAgent, ScriptedAgent, VirtualClock;"
        "print([n for n in ('livekit', 'fastapi', 'duologue.agent') if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"
