"""The sound of a call in a LiveKit room: the user's track in, the agent's track out."""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, Final

from livekit import rtc

from duologue.agent.call.sound.hearing import Hearing
from duologue.agent.call.sound.playback import VoiceListener
from duologue.agent.rooms.voice import RoomVoice
from duologue.audio.tracks.packets import SAMPLE_RATE_HZ
from duologue.protocol.formats import AudioFormat

logger = logging.getLogger("duologue.agent.room")

TRACK_NAME: Final = "agent"
FRAME_MS: Final = 32
"""As long as a window of the voice activity detector, which so waits for nothing but its sound:
with frames of 20 ms each waited 4 ms longer, with 10 it would wait no less."""

MOST_FRAMES: Final = 156
"""Five seconds of the user's sound; the oldest is dropped if the server is busy for longer."""
SUBSCRIPTION_LIMIT_S: Final = 3.0
"""A user who takes longer to listen misses the first words."""


class RoomTracks:
    """Both directions of sound in one room; see `Tracks`. Make it before the room is joined.

    Args:
        room: not connected yet.
    """

    AUDIO_FORMAT: ClassVar[str] = f"pcm_{SAMPLE_RATE_HZ}"
    HEARING_FORMAT: ClassVar[str] = "pcm_16000"
    """What models hear: LiveKit converts it, and nothing has to be converted here."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._hearing: Hearing | None = None
        self._users_track: rtc.Track | None = None
        self._listening: asyncio.Task[None] | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._voice: RoomVoice | None = None
        room.on("track_subscribed", self._on_track)

    async def publish(self) -> None:
        """Offer the agent's track, silent as yet. The room has to be joined."""
        source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)
        self._voice = RoomVoice(source)
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._publication = await self._room.local_participant.publish_track(track, options)

    async def open(self, hearing: Hearing) -> None:
        """Let the user's sound flow; see `Tracks.open`."""
        self._hearing = hearing
        self._listen()
        assert self._publication is not None
        try:
            async with asyncio.timeout(SUBSCRIPTION_LIMIT_S):
                await self._publication.wait_for_subscription()
        except TimeoutError:
            logger.warning("%s: the user does not listen to the agent", self._room.name)

    def voice(self, listener: VoiceListener) -> VoiceListener:
        """The agent's end of its track; see `Tracks.voice`."""
        assert self._voice is not None
        self._voice.listener = listener
        return self._voice

    async def aclose(self) -> None:
        """Stop both directions."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._voice is not None:
            await self._voice.aclose()

    def _on_track(
        self,
        track: rtc.Track,
        _publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._users_track = track
            self._listen()

    def _listen(self) -> None:
        """Begin when there is both somebody to hear and something to be heard."""
        if self._hearing is None or self._users_track is None:
            return
        if self._listening is not None:
            self._listening.cancel()
        self._listening = asyncio.create_task(self._hear(self._users_track, self._hearing))

    async def _hear(self, track: rtc.Track, hearing: Hearing) -> None:
        stream = rtc.AudioStream(
            track,
            sample_rate=AudioFormat.parse(self.HEARING_FORMAT).sample_rate_hz,
            num_channels=1,
            frame_size_ms=FRAME_MS,
            capacity=MOST_FRAMES,
        )
        try:
            async for event in stream:
                hearing.push(bytes(event.frame.data))
        finally:
            await stream.aclose()
