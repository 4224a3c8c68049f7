"""The agent's text on its way to the translation."""

import asyncio
import time
from unittest.mock import Mock, call

from duologue.agent.call.engine.writing import Writing
from duologue.agent.call.floor import Floor
from duologue.agent.call.translation import Translation


async def test_text_is_handed_on_as_it_is_written() -> None:
    translation = Mock(spec=Translation)
    writing = Writing(translation, Floor(1.0, time.monotonic))
    await writing.capture_text("One ")
    await writing.capture_text("two.")
    writing.flush()
    assert translation.mock_calls == [
        call.text_written("One "),
        call.text_written("two."),
        call.text_complete(),
    ]


async def test_an_answer_begins_when_the_floor_is_free_and_then_goes_on() -> None:
    translation = Mock(spec=Translation)
    floor = Floor(0.05, time.monotonic)
    writing = Writing(translation, floor)
    floor.hold()
    began_s = time.monotonic()
    await writing.capture_text("One ")
    assert time.monotonic() - began_s >= 0.045
    floor.hold()
    async with asyncio.timeout(0.03):
        await writing.capture_text("two.")
