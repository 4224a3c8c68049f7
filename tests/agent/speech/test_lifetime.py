"""Models are loaded before they are needed and freed after."""

from __future__ import annotations

import gc

import pytest

from duologue.agent.speech.lifetime import started
from duologue.errors import ModelError
from duologue.testing.scripted_speech import ScriptedSpeech


class RecordedSpeech(ScriptedSpeech):
    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._failure = failure

    async def start(self) -> None:
        self.calls.append("start")
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        self.calls.append("close")


async def test_models_are_there_for_as_long_as_the_block() -> None:
    speech = RecordedSpeech()
    async with started(speech):
        assert speech.calls == ["start"]
    assert speech.calls == ["start", "close"]


async def test_they_are_freed_whatever_happens() -> None:
    speech = RecordedSpeech()
    with pytest.raises(ValueError, match="in the middle"):
        async with started(speech):
            raise ValueError("in the middle")
    assert speech.calls == ["start", "close"]


async def test_what_cannot_be_loaded_is_an_error() -> None:
    speech = RecordedSpeech(ModelError("damaged"))
    with pytest.raises(ModelError, match="damaged"):
        async with started(speech):
            pass
    assert speech.calls == ["start"]


async def test_what_was_loaded_is_left_alone_by_the_garbage_collection() -> None:
    before = gc.get_freeze_count()
    kept = [[] for _ in range(10_000)]  # type: list[list[None]]
    async with started(ScriptedSpeech()):
        assert gc.get_freeze_count() >= before + len(kept)
