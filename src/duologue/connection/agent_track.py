"""The agent's sound, from its track in a room.

A track never pauses: between two answers it carries silence. Where that was played, the agent would
speak for ever, so only sound goes on from here, with some silence before and after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np
from livekit import rtc

SAMPLE_RATE_HZ: Final = 48_000
"""WebRTC's own, at which Opus works."""

FRAME_MS: Final = 20
"""One packet of Opus."""

LEAD_MS: Final = 40
"""So much of the silence before sound goes on at once with its first frame. A soft beginning is in
it, and the speaker has that much to play where a frame comes late: without it, sound was seen to
run dry by 10 ms at a time."""

TAIL_MS: Final = 400
"""So much silence goes on after sound: more than a speaker pauses between two words."""

SILENT_UP_TO: Final = 32
"""A frame without a greater magnitude is silent: -60 dBFS, well above what Opus makes of zeros."""

FRAMES_LIMIT: Final = 100
"""So many frames wait at most in LiveKit's queue; they are taken as they come."""

STOP_LIMIT_S: Final = 1.0


class SoundOnly:
    """Tells sound, with some silence around it, from the silence between answers."""

    def __init__(self) -> None:
        self._lead: deque[bytes] = deque(maxlen=LEAD_MS // FRAME_MS)
        self._tail_ms = 0.0

    def push(self, pcm: bytes) -> list[bytes]:
        """Take a frame of int16 samples at 48 kHz; give the frames that are to be heard now."""
        samples = np.frombuffer(pcm, "<i2")
        # The magnitude of the lowest sample does not fit int16.
        if len(samples) and int(np.abs(samples.astype(np.int32)).max()) > SILENT_UP_TO:
            self._tail_ms = TAIL_MS
            heard = [*self._lead, pcm]
            self._lead.clear()
            return heard
        if self._tail_ms > 0:
            self._tail_ms -= len(samples) * 1000 / SAMPLE_RATE_HZ
            return [pcm]
        self._lead.append(pcm)
        return []


class AgentTrack:
    """Listens to one track until it is closed, or the track ends.

    Args:
        track: what to listen to.
        heard: called with each frame that is to be heard: int16 mono samples at 48 kHz.
    """

    def __init__(self, track: rtc.Track, heard: Callable[[bytes], None]) -> None:
        self._stream = rtc.AudioStream.from_track(
            track=track,
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
            frame_size_ms=FRAME_MS,
            capacity=FRAMES_LIMIT,
        )
        self._heard = heard
        self._task = asyncio.create_task(self._listen(), name="duologue agent track")

    async def close(self) -> None:
        """Listen no more, and release everything."""
        self._task.cancel()
        await asyncio.wait([self._task])
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._stream.aclose()

    async def _listen(self) -> None:
        gate = SoundOnly()
        async for event in self._stream:
            for pcm in gate.push(bytes(event.frame.data)):
                self._heard(pcm)
