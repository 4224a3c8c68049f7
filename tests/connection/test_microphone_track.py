"""The user's track, at LiveKit's own pace; nobody has to be in a room."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc

from duologue.audio.samples import Samples
from duologue.connection.microphone_track import (
    IN_HAND_MS,
    LEAD_MS,
    QUEUE_MS,
    SAMPLE_RATE_HZ,
    MicrophoneTrack,
)

CHUNK_MS = 20


@pytest.fixture
async def track() -> AsyncIterator[MicrophoneTrack]:
    track = MicrophoneTrack()
    yield track
    await track.close()


def silence(duration_ms: int) -> Samples:
    return np.zeros(duration_ms * SAMPLE_RATE_HZ // 1000, np.int16)


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


async def test_silence_that_has_waited_does_not_delay_what_follows(track: MicrophoneTrack) -> None:
    assert await push_at_once(track, silence(1000)) < 500
    assert track.waiting_ms <= IN_HAND_MS + CHUNK_MS


async def test_speech_that_has_waited_is_sent_whole(track: MicrophoneTrack) -> None:
    # All but what still waits in the track has been spoken at the pace of real time.
    took_ms = await push_at_once(track, voice(600))
    assert took_ms >= 600 - QUEUE_MS - 2 * CHUNK_MS


async def test_what_speech_has_left_behind_is_caught_up_with_in_the_next_pause(
    track: MicrophoneTrack,
) -> None:
    await push_at_once(track, voice(300))
    assert track.waiting_ms > IN_HAND_MS
    assert await push_at_once(track, silence(2000)) < 1000


async def test_the_soft_beginning_of_speech_is_sent_though_pauses_are_left_out(
    track: MicrophoneTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Samples] = []
    capture = track._source.capture_frame

    async def capture_frame(frame: rtc.AudioFrame) -> None:
        sent.append(np.frombuffer(frame.data, np.int16))
        await capture(frame)

    monkeypatch.setattr(track._source, "capture_frame", capture_frame)
    await push_at_once(track, silence(400))
    assert track.waiting_ms > IN_HAND_MS
    sent.clear()
    soft, loud = voice(LEAD_MS) // 200, voice(300)
    await push_at_once(track, np.concatenate((silence(400), soft, loud)))
    samples = np.concatenate(sent)
    beginning = int(np.flatnonzero(np.abs(samples) > np.abs(soft).max())[0])
    assert np.count_nonzero(samples[:beginning]) > 0.7 * len(soft)
    assert len(samples) < len(silence(100)) + len(soft) + len(loud)
