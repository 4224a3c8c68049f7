"""The sound of a scripted agent in a LiveKit room: a track to speak on, and an ear for the user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from livekit import rtc

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, bytes_from_samples, silence
from duologue.audio.tracks.packets import SAMPLE_RATE_HZ

FRAME_MS: Final = 20

QUEUE_MS: Final = 10_000
"""So much waits to be spoken; what comes beyond it waits to be taken."""

PAUSE_MS: Final = 200
"""So long an interrupted agent is silent before it says anything else, as any that listens."""

CLOSE_LIMIT_S: Final = 1.0


class RoomSound:
    """The agent's track, silent until it says something, and all that is heard of the user.

    Args:
        room: not connected yet, or a track might be missed.
        heard: called with each piece of the user's sound, int16 mono at 48 kHz.
    """

    def __init__(self, room: rtc.Room, heard: Callable[[bytes], None]) -> None:
        self._room = room
        self._heard = heard
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=QUEUE_MS)
        self._ears: list[asyncio.Task[None]] = []
        room.on("track_subscribed", self._track_subscribed)

    async def publish(self) -> None:
        """Offer the agent's track. The room has to be joined."""
        track = rtc.LocalAudioTrack.create_audio_track("agent", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(track, options)

    async def say(self, samples: Samples, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
        """Let int16 mono samples be heard, after what was said before."""
        resampler = Resampler(sample_rate_hz, SAMPLE_RATE_HZ)
        for part in (resampler.push(samples), resampler.flush()):
            if len(part):
                await self._source.capture_frame(
                    rtc.AudioFrame(bytes(bytes_from_samples(part)), SAMPLE_RATE_HZ, 1, len(part))
                )

    async def fall_silent(self) -> None:
        """Say nothing of what waits, and pause before what is said next."""
        self._source.clear_queue()
        await self.say(silence(SAMPLE_RATE_HZ * PAUSE_MS // 1000))

    async def close(self) -> None:
        """Speak and listen no more, and release everything."""
        for ear in self._ears:
            ear.cancel()
        await asyncio.gather(*self._ears, return_exceptions=True)
        await self._source.aclose()

    def _track_subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._ears.append(asyncio.create_task(self._hear(track), name="duologue room ear"))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=SAMPLE_RATE_HZ, num_channels=1, frame_size_ms=FRAME_MS
        )
        try:
            async for event in stream:
                self._heard(bytes(event.frame.data))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await stream.aclose()
