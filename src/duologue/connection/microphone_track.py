"""The user's sound, as a track in a room.

A track takes sound at the pace of real time and no faster: whatever has once fallen behind, while
the room was joined or the event loop was busy, would stay behind for the rest of the conversation.
So while it is behind, pauses are left out, and speech is sent whole, its soft beginning included.
"""

from __future__ import annotations

from typing import Final

from livekit import rtc

from duologue.audio.samples import samples_from_bytes
from duologue.audio.speech_detector import SpeechDetector

SAMPLE_RATE_HZ: Final = 48_000
"""WebRTC's own, at which Opus works."""

CHUNK_MS: Final = 10
"""A track takes frames of so much; of a longer chunk the second frame waits for the first. Their
processing takes up to 1.4 times as long as that of two at once; see `duologue.audio.capture`."""

QUEUE_MS: Final = 100
"""So much sound waits in the track at most; what comes beyond it waits to be sent."""

IN_HAND_MS: Final = 5
"""So much may wait for good, against an event loop that is late; what is more is behind. The
receiver's buffer bears what is later than that."""

LEAD_MS: Final = 100
"""So much of a pause that is left out is sent after all if speech follows it: a word begins before
it is as loud as speech, as with an h or an f."""

BITRATE: Final = 64_000
"""In bits a second; a talking person's 24,000, which is LiveKit's own, leave less of the melody by
which an agent sees that a sentence is over."""

LEAST_MS: Final = 5
"""Less of a piece is not worth sending: all of it is left out."""

LEAD_BYTES: Final = 2 * SAMPLE_RATE_HZ * LEAD_MS // 1000
LEAST_BYTES: Final = 2 * SAMPLE_RATE_HZ * LEAST_MS // 1000


class MicrophoneTrack:
    """A published track. Where nothing is pushed, it carries silence."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=QUEUE_MS)
        self._detector = SpeechDetector(SAMPLE_RATE_HZ)
        self._left_out = bytearray()

    @property
    def waiting_ms(self) -> float:
        """How much has been pushed and not yet gone out."""
        return self._source.queued_duration * 1000

    async def publish(self, room: rtc.Room) -> None:
        """Let others in the room hear it."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        options.dtx = False  # how a sentence fades tells an agent whether it is over
        options.audio_encoding.max_bitrate = BITRATE
        await room.local_participant.publish_track(track, options)

    async def push(self, pcm: bytes) -> None:
        """Let int16 mono samples at 48 kHz follow; LiveKit cuts them into frames of 10 ms.

        It waits while more than `QUEUE_MS` wait already. Of samples without speech, as much is left
        out as waits beyond `IN_HAND_MS`.
        """
        self._detector.push(samples_from_bytes(pcm))
        if self._detector.is_speaking:
            pcm = bytes(self._left_out) + pcm
            self._left_out.clear()
        else:
            pcm = self._without_delay(pcm)
        if pcm:
            await self._source.capture_frame(
                rtc.AudioFrame(pcm, SAMPLE_RATE_HZ, 1, samples_per_channel=len(pcm) // 2)
            )

    def _without_delay(self, pcm: bytes) -> bytes:
        """What of a pause is to be sent: what makes up for the sound that waits is left out."""
        behind = 2 * round((self.waiting_ms - IN_HAND_MS) * SAMPLE_RATE_HZ / 1000)
        if behind <= 0:
            self._left_out.clear()
            return pcm
        if behind <= len(pcm) - LEAST_BYTES and not self._left_out:
            return pcm[behind:]
        # Kept in case that speech follows: it would begin with it.
        self._left_out += pcm
        del self._left_out[:-LEAD_BYTES]
        return b""

    async def close(self) -> None:
        """Release it."""
        await self._source.aclose()
