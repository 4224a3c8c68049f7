"""How long each item of a stream may take, and what the model is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from duologue.agent.call.engine.model_watch import each_within
from duologue.agent.speech.stack import CallSpeechOptions, SessionParts
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import conversing, define


class Stream:
    def __init__(self, *delays_s: float) -> None:
        self._delays_s = delays_s
        self.is_closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number, delay_s in enumerate(self._delays_s):
                await asyncio.sleep(delay_s)
                yield number
        finally:
            self.is_closed = True


async def test_items_in_time_pass() -> None:
    stream = Stream(0, 0.02, 0)
    assert [item async for item in each_within(0.5, stream.items())] == [0, 1, 2]
    assert stream.is_closed


async def test_each_item_has_the_limit_for_itself() -> None:
    stream = Stream(*[0.04] * 5)
    assert len([item async for item in each_within(0.1, stream.items())]) == 5


async def test_a_late_item_is_an_error_and_closes_its_source() -> None:
    stream = Stream(0, 5)
    items = each_within(0.02, stream.items())
    assert await anext(items) == 0
    with pytest.raises(TimeoutError):
        await anext(items)
    assert stream.is_closed


async def test_the_time_a_reader_takes_does_not_count() -> None:
    stream = Stream(0, 0)
    async for _ in each_within(0.02, stream.items()):
        await asyncio.sleep(0.04)


async def test_the_model_is_shown_no_more_than_it_can_take() -> None:
    shown: list[int] = []

    def reply(chat: Any) -> str:
        messages = [item for item in chat.items if item.type == "message"]
        shown.append(sum(len(message.text_content or "") for message in messages))
        return "word " * 100

    class SmallModel(ScriptedSpeech):
        def session_parts(self, options: CallSpeechOptions) -> SessionParts:
            return replace(super().session_parts(options), context_tokens=300)

    async with conversing(SmallModel(replies=reply), define(text_only=True)) as client:
        await client.initiate()
        for number in range(1, 5):
            await client.send(type="user_message", text="And then?")
            await client.expect("agent_response", count=number)
    assert max(shown) <= 900


async def test_a_model_that_raises_where_the_engine_does_not_look_ends_the_call() -> None:
    def reply(chat: Any) -> str:
        raise ValueError("a mistake")

    async with conversing(ScriptedSpeech(replies=reply), define(text_only=True)) as client:
        await client.initiate()
        await client.send(type="user_message", text="Hello?")
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "llm_error"
    assert code == 1002
