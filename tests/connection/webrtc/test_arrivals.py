from __future__ import annotations

import asyncio

from duologue.connection.webrtc.arrivals import MESSAGES_LIMIT, SOUND_LIMIT, Arrivals
from duologue.dialogue.values import Disconnection
from duologue.protocol.server_events import AudioEvent, PingEvent

SOUND = AudioEvent(audio=b"\0\0", event_id=None)


async def test_what_comes_is_taken_in_order_and_the_end_again_and_again() -> None:
    arrivals = Arrivals()
    pings = [PingEvent(event_id=number) for number in range(3)]
    for ping in pings:
        arrivals.put(ping)
    end = Disconnection.by_departure("gone")
    arrivals.finish(end)
    arrivals.finish(Disconnection.by_user())
    arrivals.put(PingEvent(event_id=9))
    assert [await arrivals.take() for _ in range(5)] == [*pings, end, end]


async def test_whoever_waits_is_woken_by_an_arrival_and_by_the_end() -> None:
    arrivals = Arrivals()
    waiting = asyncio.create_task(arrivals.take())
    await asyncio.sleep(0)
    arrivals.put(SOUND)
    assert await waiting == SOUND
    waiting = asyncio.create_task(arrivals.take())
    await asyncio.sleep(0)
    arrivals.finish(Disconnection.by_user())
    assert await waiting == Disconnection.by_user()


async def test_cancelling_whoever_waits_loses_nothing() -> None:
    arrivals = Arrivals()
    waiting = asyncio.create_task(arrivals.take())
    await asyncio.sleep(0)
    arrivals.put(SOUND)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await arrivals.take() == SOUND


async def test_sound_that_nobody_takes_is_dropped_but_no_message() -> None:
    arrivals = Arrivals()
    for _ in range(SOUND_LIMIT + 10):
        arrivals.put(SOUND)
    arrivals.put(PingEvent(event_id=1))
    for _ in range(SOUND_LIMIT):
        assert await arrivals.take() == SOUND
    assert await arrivals.take() == PingEvent(event_id=1)
    arrivals.put(SOUND)
    assert await arrivals.take() == SOUND


async def test_a_program_that_takes_nothing_is_not_served_further() -> None:
    arrivals = Arrivals()
    for number in range(MESSAGES_LIMIT + 1):
        arrivals.put(PingEvent(event_id=number))
    assert arrivals.end is not None
    assert arrivals.end.reason == "error"
    assert "has not taken 10000 messages" in (arrivals.end.message or "")
