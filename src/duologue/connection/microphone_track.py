"""The user's sound, as a track in a room. When what of it is sent, `track_pace` says."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from livekit import rtc

from duologue.connection.track_pace import PACKET_BYTES, SAMPLE_RATE_HZ, TrackPace

FRAME_BYTES: Final = PACKET_BYTES // 2
"""10 ms: LiveKit takes no other frames without a queue of its own. With that queue the transcript
of a turn came 81 to 99 ms later than over WebSocket, without it 48 to 68 (three runs of 10 turns
each, in turn)."""

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
        self._pushed = asyncio.Event()
        self._taken = asyncio.Event()
        self._sending = asyncio.create_task(self._send(), name="duologue microphone track")

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
        self._pushed.set()
        while self._pace.waiting_ms > QUEUE_MS and not self._sending.done():
            self._taken.clear()
            await self._taken.wait()
        if self._sending.done() and not self._sending.cancelled():
            self._sending.result()

    async def close(self) -> None:
        """Release it."""
        self._sending.cancel()
        await asyncio.wait([self._sending])
        await self._source.aclose()

    async def _send(self) -> None:
        try:
            while True:
                packet = self._pace.take(self._loop.time())
                if packet is None:
                    await self._until_next()
                    continue
                self._taken.set()
                for start in range(0, PACKET_BYTES, FRAME_BYTES):
                    frame = packet[start : start + FRAME_BYTES]
                    await self._source.capture_frame(
                        rtc.AudioFrame(frame, SAMPLE_RATE_HZ, 1, FRAME_BYTES // 2)
                    )
        finally:
            self._taken.set()

    async def _until_next(self) -> None:
        """Wait until a packet may be due."""
        self._pushed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._pace.next_s()):
                await self._pushed.wait()
