"""What is generated, its surface, and that it is what the asyncio side asks for."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import duologue
from duologue import blocking
from scripts.generate_blocking.conversations import FOR_THE_START
from scripts.generate_blocking.files import GENERATED, generate
from tests.blocking.agents import no_thread_left


def test_what_is_checked_in_is_what_is_generated() -> None:
    files = generate()
    stale = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make blocking`"
    assert {*GENERATED.rglob("*.py")} <= files.keys(), "run `make blocking`"


@pytest.mark.parametrize("name", ["VoiceConversation", "TextConversation"])
def test_a_blocking_conversation_has_all_that_the_other_has_and_nothing_async(name: str) -> None:
    public = {
        member
        for member in dir(getattr(duologue, name))
        if not member.startswith("_") and member not in FOR_THE_START
    }
    kind = getattr(blocking, name)
    assert {member for member in dir(kind) if not member.startswith("_")} == public
    for member in dir(kind):
        assert not inspect.iscoroutinefunction(getattr(kind, member))
    assert not {"__await__", "__aiter__", "__aenter__", "__aexit__"} & set(dir(kind))


@pytest.mark.parametrize("name", ["VoiceConversation", "TextConversation"])
def test_signatures_are_those_of_the_asyncio_side(name: str) -> None:
    kind, other = getattr(blocking, name), getattr(duologue, name)
    for member in dir(kind):
        if not member.startswith("_") and inspect.isfunction(getattr(kind, member)):
            ours = inspect.signature(getattr(kind, member))
            assert ours == inspect.signature(getattr(other, member)), member
            assert getattr(kind, member).__doc__


def test_every_async_function_has_its_counterpart() -> None:
    functions = {
        name for name in duologue.__all__ if inspect.iscoroutinefunction(getattr(duologue, name))
    }
    assert set(blocking.__all__) == functions | {
        "Conversation",
        "TextConversation",
        "VoiceConversation",
    }
    assert set(blocking.__all__) <= set(dir(blocking))
    for name in functions:
        assert not inspect.iscoroutinefunction(getattr(blocking, name))


def test_a_name_that_does_not_exist_is_told() -> None:
    with pytest.raises(AttributeError, match=r"'duologue\.blocking' has no attribute 'Konversat"):
        getattr(blocking, "Konver" + "sation")


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("numpy", "samplerate", "aiohttp", "livekit", "miniaudio", "asyncio")
    program = f"import sys, duologue.blocking; print([n for n in {heavy} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_function_raises_what_the_async_one_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with no_thread_left(), pytest.raises(ValueError, match="there is no key"):
        blocking.get_signed_url("agent")
