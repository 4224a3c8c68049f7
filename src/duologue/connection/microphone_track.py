"""The user's sound, as a track in a room."""

from __future__ import annotations

from typing import Final

from livekit import rtc

SAMPLE_RATE_HZ: Final = 48_000
"""WebRTC's own, at which Opus works."""

QUEUE_MS: Final = 100
"""So much sound waits in the track at most; what comes beyond it waits to be sent."""


class MicrophoneTrack:
    """A published track. Where nothing is pushed, it carries silence."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=QUEUE_MS)

    async def publish(self, room: rtc.Room) -> None:
        """Let others in the room hear it."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)

    async def push(self, pcm: bytes) -> None:
        """Let int16 mono samples at 48 kHz follow; LiveKit cuts them into frames of 10 ms.

        It waits while more than `QUEUE_MS` wait already.
        """
        await self._source.capture_frame(
            rtc.AudioFrame(pcm, SAMPLE_RATE_HZ, 1, samples_per_channel=len(pcm) // 2)
        )

    async def close(self) -> None:
        """Release it."""
        await self._source.aclose()
