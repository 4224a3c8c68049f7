"""150 conversations in one process, against a server that sends to each all the time."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

from benchmarks.client_cost.load import CHUNK_MS, RATE_HZ, latenesses_ms, percentile, speech
from benchmarks.client_cost.serving import Server, load_server
from duologue import Conversation, VoiceConversation
from duologue.audio import ArraySource, TimedSpeaker
from duologue.audio.samples import Samples
from duologue.dialogue.values import AgentAudio

CALLS = 150
SECONDS = 10.0
LATE_MS = 250.0
PROBES = 15
"""In so many it is measured when the agent's sound came."""
SHARED_THREADS = 4
"""One that keeps time, one that looks after it, and what the event loop has for names."""


class Arrivals:
    """When the agent's sound came."""

    def __init__(self) -> None:
        self.times_s: list[float] = []

    def __call__(self, audio: AgentAudio) -> None:
        self.times_s.append(time.monotonic())


async def start(server: Server, sound: Samples, arrived: Arrivals | None) -> VoiceConversation:
    return await Conversation.start_session(
        agent_id="voice",
        origin=server.origin,
        connection_type="websocket",
        microphone=ArraySource(sound, RATE_HZ),
        speaker=TimedSpeaker(RATE_HZ),
        input_chunk_duration_ms=CHUNK_MS,
        connect_timeout=60.0,
        on_audio=arrived,
    )


@pytest.mark.devices
@pytest.mark.xdist_group("devices")
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("each_websocket")
async def test_150_conversations_keep_time_lose_nothing_and_share_their_threads() -> None:
    sound = np.tile(speech(1.0), 120)
    arrivals = [Arrivals() for _ in range(PROBES)]
    threads = threading.active_count()
    async with load_server() as server:
        probed = (*arrivals, *[None] * (CALLS - PROBES))
        calls = await asyncio.gather(*(start(server, sound, one) for one in probed))
        await asyncio.sleep(1.0)
        from_s = time.monotonic()
        await asyncio.sleep(SECONDS)
        until_s = time.monotonic()
        threads = threading.active_count() - threads
        counters = [call.audio_counters for call in calls]
        seen = await server.report(from_s, until_s)
        began_s = time.monotonic()
        await asyncio.gather(*(call.end_session() for call in calls))
        ended_s = time.monotonic() - began_s

    expected = CALLS * (until_s - from_s) * 1000 / CHUNK_MS
    assert seen["chunks"] == pytest.approx(expected, rel=0.03)
    assert seen["late_p99_ms"] < LATE_MS
    late_ms = [late for one in arrivals for late in latenesses_ms(one.times_s, from_s, until_s)]
    assert len(late_ms) == pytest.approx(expected * PROBES / CALLS, rel=0.03)
    assert percentile(late_ms, 99) < LATE_MS
    assert sum(one.chunks_dropped + one.reports_dropped for one in counters) == 0
    assert sum(one.dropped_ms for one in counters) == 0
    assert threads <= SHARED_THREADS
    assert ended_s < 15
    assert len(asyncio.all_tasks()) == 1
