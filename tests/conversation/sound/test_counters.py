from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.conversation.sound.counters import AudioCounters
from duologue.conversation.telling import callbacks
from duologue.dialogue.values import AgentAudio
from duologue.protocol.server_events import InterruptionEvent
from tests.conversation.calls import calling, sound, tone
from tests.conversation.fakes import eventually


def test_they_begin_at_zero_and_are_a_snapshot() -> None:
    counters = AudioCounters()
    assert all(getattr(counters, field.name) == 0 for field in fields(counters))
    with pytest.raises(FrozenInstanceError):
        setattr(counters, fields(counters)[0].name, 1)


@pytest.mark.parametrize("name", [field.name for field in fields(AudioCounters)])
def test_every_counter_is_documented(name: str) -> None:
    assert f"    {name}: how " in (AudioCounters.__doc__ or "")


async def test_the_counters_tell_what_became_of_the_sound() -> None:
    async with calling() as call:
        call.source.say(tone(110))
        await eventually(lambda: len(call.chunks) == 5)
        await call.hear(sound(1000, event_id=1))
        call.sink.play(200)
        await call.hear(InterruptionEvent(event_id=2), sound(1000, event_id=1))
        call.sink.play(100)
    # Whether a device is late is a matter of real time, and these are worked by hand.
    counters = replace(call.conversation.audio_counters, late_captures=0, late_renders=0)
    assert counters == AudioCounters(
        captured_ms=110.0,
        chunks_sent=5,
        received_ms=1000.0,
        late_audio_events=1,
        played_ms=205.0,  # with the fade
    )


async def test_chunks_that_are_dropped_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebSocketConnection, "send_at_once", lambda connection, message: False)
    async with calling(input_chunk_duration_ms=1000) as call:
        # At most 1 s waits, and all has been put in before the loop sends the first.
        call.source.say(tone(4000))
        await eventually(lambda: call.conversation.audio_counters.chunks_sent)
        counters = call.conversation.audio_counters
        assert (counters.chunks_sent, counters.chunks_dropped) == (1, 3)


async def test_reports_that_are_dropped_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "BACKLOG_LIMIT", 3)
    free = asyncio.Event()

    async def wait(audio: AgentAudio) -> None:
        await free.wait()

    async with calling(on_audio=wait) as call:
        for _ in range(6):
            await call.agent.send(sound(10, event_id=1))
        await eventually(lambda: call.conversation.audio_counters.reports_dropped > 1)
        free.set()
