"""The user's track, as LiveKit takes it; nobody has to be in a room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from duologue.audio.samples import Samples
from duologue.audio.tracks.packets import PACKET_MS, SAMPLE_RATE_HZ
from duologue.connection.webrtc.microphone_track import QUEUE_MS, MicrophoneTrack
from duologue.connection.webrtc.track_pace import EARLY_MS
from tests.audio.taken_packets import take_nothing, taken_packets

CHUNK_MS = 20
LIMIT_S = 10.0


@pytest.fixture
async def track() -> AsyncIterator[MicrophoneTrack]:
    track = MicrophoneTrack()
    yield track
    await track.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What LiveKit has been given so far, and has taken."""
    return taken_packets(monkeypatch)


def voice(duration_ms: int) -> Samples:
    times = np.arange(duration_ms * SAMPLE_RATE_HZ // 1000) / SAMPLE_RATE_HZ
    return (12_000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)


async def push_at_once(track: MicrophoneTrack, samples: Samples) -> float:
    """Push samples in chunks, faster than they are spoken; how long that took, in ms."""
    began_s = time.monotonic()
    size = CHUNK_MS * SAMPLE_RATE_HZ // 1000
    for start in range(0, len(samples), size):
        await track.push(samples[start : start + size].astype("<i2").tobytes())
    return (time.monotonic() - began_s) * 1000


async def test_speech_is_taken_whole_and_at_the_pace_of_real_time(
    track: MicrophoneTrack, sent: list[bytes]
) -> None:
    took_ms = await push_at_once(track, voice(600))
    assert took_ms >= 600 - QUEUE_MS - EARLY_MS - 2 * PACKET_MS
    await asyncio.sleep(1.0)
    assert voice(600).tobytes() == b"".join(packet for packet in sent if any(packet))


async def test_where_nothing_is_pushed_silence_flows(
    track: MicrophoneTrack, sent: list[bytes]
) -> None:
    await asyncio.sleep(1.0)
    assert len(sent) >= 20
    assert not any(b"".join(sent))


async def test_whoever_waits_to_push_is_let_go_when_the_track_is_closed() -> None:
    track = MicrophoneTrack()
    pushing = asyncio.create_task(push_at_once(track, voice(60_000)))
    await asyncio.sleep(0.05)
    await track.close()
    await asyncio.wait_for(pushing, LIMIT_S)


async def test_sound_that_livekit_does_not_take_is_an_error(
    track: MicrophoneTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_nothing(monkeypatch, "the source is gone")
    with pytest.raises(RuntimeError, match="the source is gone"):
        async with asyncio.timeout(LIMIT_S):
            await push_at_once(track, voice(60_000))


async def test_what_can_go_at_once_does_until_too_much_waits(track: MicrophoneTrack) -> None:
    chunk = voice(CHUNK_MS).tobytes()
    taken = 0
    while track.push_at_once(chunk):
        taken += 1
        assert taken < 1000
    assert taken * CHUNK_MS > QUEUE_MS
