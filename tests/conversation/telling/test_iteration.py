from __future__ import annotations

import asyncio
import gc

import pytest

from duologue.conversation import Conversation
from duologue.conversation.telling import iteration as module
from duologue.conversation.telling.iteration import Event, EventIterator, EventStream
from duologue.protocol.client_messages import UserActivity
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AudioEvent,
    ErrorEvent,
    PingEvent,
)
from duologue.testing.scripted_agent import DEFAULT_METADATA, ScriptedAgent, ScriptedCall
from tests.conversation.fakes import ManualSink, ManualSource

SOUND = AudioEvent(audio=b"\x00\x00", event_id=1)


def ping(number: int) -> PingEvent:
    return PingEvent(event_id=number)


async def rest_of(events: EventIterator) -> list[Event]:
    async with asyncio.timeout(5):
        return [event async for event in events]


async def test_events_are_given_in_order_until_the_end() -> None:
    stream = EventStream()
    events = stream.iterate()
    task = asyncio.create_task(rest_of(events))
    for event in (ping(1), SOUND, ping(2)):
        stream.put(event)
        await asyncio.sleep(0)
    stream.finish()
    assert await task == [ping(1), SOUND, ping(2)]
    assert await rest_of(events) == [], "it has ended for good"


async def test_the_first_iterator_gets_what_came_before_it_but_no_sound() -> None:
    stream = EventStream()
    stream.put(ping(1))
    stream.put(SOUND)
    first = stream.iterate()
    second = stream.iterate()
    stream.put(ping(2))
    stream.finish()
    assert await rest_of(first) == [ping(1), ping(2)]
    assert await rest_of(second) == [ping(2)]


async def test_what_is_kept_for_the_first_iterator_can_be_had_after_the_end() -> None:
    stream = EventStream()
    stream.put(ping(1))
    stream.finish()
    assert await rest_of(stream.iterate()) == [ping(1)]
    assert await rest_of(stream.iterate()) == []


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_LIMIT", 2)
    stream = EventStream()
    for number in range(5):
        stream.put(ping(number))
    stream.finish()
    assert await rest_of(stream.iterate()) == [ping(3), ping(4)]


async def test_an_iterator_that_is_too_slow_loses_sound_first_then_the_oldest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "EVENTS_LIMIT", 2)
    stream = EventStream()
    events = stream.iterate()
    for event in (ping(1), SOUND, ping(2), ping(3)):
        stream.put(event)
    stream.finish()
    assert events.dropped == 2
    assert caplog.text.count("an iterator that is too slow") == 1
    assert await rest_of(events) == [ping(2), ping(3)]


async def test_an_iterator_that_is_left_is_forgotten() -> None:
    stream = EventStream()
    stream.put(ping(1))
    async for _ in stream.iterate():
        break
    gc.collect()
    assert len(stream._iterators) == 0


async def test_waiting_for_an_event_can_be_cancelled() -> None:
    stream = EventStream()
    events = stream.iterate()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(events)
    stream.put(ping(1))
    assert await anext(events) == ping(1)


async def test_several_may_take_from_one_iterator() -> None:
    stream = EventStream()
    events = stream.iterate()
    tasks = [asyncio.create_task(rest_of(events)) for _ in range(2)]
    await asyncio.sleep(0)
    stream.put(ping(1))
    await asyncio.sleep(0)
    stream.finish()
    assert sorted(await asyncio.gather(*tasks), key=len) == [[], [ping(1)]]


@pytest.mark.parametrize("code", [1000, 1011])
async def test_a_conversation_gives_its_events_from_the_metadata_to_the_end(code: int) -> None:
    said = [AgentResponseEvent(agent_response="Hello.", event_id=1), ErrorEvent(message="no")]

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserActivity)
        for event in said:
            await call.send(event)
        await call.close(code)

    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, microphone=ManualSource(), speaker=ManualSink()
        ) as conversation,
    ):
        conversation.send_user_activity()
        events = await rest_of(aiter(conversation))
        assert events == [DEFAULT_METADATA, *said]
        assert conversation.disconnection is not None
