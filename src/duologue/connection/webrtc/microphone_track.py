"""The user's sound, as a track in a room. When what of it is sent, `track_pace` says."""

from __future__ import annotations

import asyncio
from typing import Final

from livekit import rtc

from duologue.audio.tracks.packets import SAMPLE_RATE_HZ
from duologue.audio.tracks.sender import PacketSender
from duologue.connection.webrtc.track_pace import TrackPace

QUEUE_MS: Final = 100
"""So much sound waits here at most; what comes beyond it waits to be pushed."""

BITRATE: Final = 64_000
"""In bits a second; a talking person's 24,000, which is LiveKit's own, leave less of the melody by
which an agent sees that a sentence is over."""


class MicrophoneTrack:
    """A published track. Where nothing is pushed, it carries silence."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)
        self._loop = asyncio.get_running_loop()
        self._pace = TrackPace(self._loop.time())
        self._taken = asyncio.Event()
        self._sender = PacketSender(
            self._source, self._pace, taken=self._taken.set, name="duologue microphone track"
        )

    async def publish(self, room: rtc.Room) -> None:
        """Let others in the room hear it."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        options.dtx = False  # how a sentence fades tells an agent whether it is over
        options.audio_encoding.max_bitrate = BITRATE
        await room.local_participant.publish_track(track, options)

    async def push(self, pcm: bytes) -> None:
        """Let int16 mono samples at 48 kHz follow; wait while more than `QUEUE_MS` wait already.

        A track that is closed takes it and sends nothing.

        Raises:
            Exception: LiveKit takes no more sound, for the reason that it gives.
        """
        self._pace.push(pcm, self._loop.time())
        self._sender.pushed()
        while self._pace.waiting_ms > QUEUE_MS and not self._sender.is_over:
            self._taken.clear()
            await self._taken.wait()
        self._sender.raise_failure()

    def push_at_once(self, pcm: bytes) -> bool:
        """Let samples follow if `push` would not wait nor raise; false if it would."""
        if self._pace.waiting_ms > QUEUE_MS or self._sender.is_over:
            return False
        self._pace.push(pcm, self._loop.time())
        self._sender.pushed()
        return True

    async def close(self) -> None:
        """Release it."""
        await self._sender.aclose()
