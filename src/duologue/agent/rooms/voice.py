"""The agent's voice, on its track in a LiveKit room. When what of it is sent, `room_pace` says."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from livekit import rtc

from duologue.agent.call.sound.playback import VoiceListener
from duologue.agent.rooms.pace import RoomPace
from duologue.audio.tracks.sender import PacketSender
from duologue.protocol.server_events import Alignment

MOST_WAITING_MS: Final = 5000
"""The voice comes at most half a second ahead of real time; this is ten times that."""


class RoomVoice:
    """A voice's listener that plays the sound on a track; see `VoiceListener`.

    The events of the sound go on without it: they carry its characters alone. Each goes once the
    sound is on its way. Half a second of them at once, just as an answer begins, would take the
    processor from its first packets: a message in a room costs some milliseconds, in each process
    that it passes.

    Args:
        source: of the track, without a queue of its own; released at the end.
    """

    def __init__(self, source: rtc.AudioSource) -> None:
        self.listener: VoiceListener
        self._pace = RoomPace(asyncio.get_running_loop().time())
        self._alignments: deque[tuple[float, Alignment]] = deque()
        self._sender = PacketSender(
            source, self._pace, taken=self._tell_alignments, name="duologue agent's voice"
        )

    def voice_chunk(self, audio: bytes, alignment: Alignment | None) -> None:
        """Play a chunk of int16 mono samples at 48 kHz after those before it."""
        if self._pace.waiting_ms > MOST_WAITING_MS:
            # A track that takes nothing for seconds is in a room that is gone; the call ends so.
            return
        if alignment is not None:
            self._alignments.append((self._pace.pushed_ms, alignment))
        self._pace.push(audio)
        self._sender.pushed()

    def voice_started(self) -> None:
        """Tell the listener."""
        self.listener.voice_started()

    def voice_interrupted(self) -> str:
        """Fall silent at once, then tell the listener."""
        self._pace.clear()
        self._alignments.clear()
        return self.listener.voice_interrupted()

    def voice_heard(self, heard: str) -> None:
        """Tell the listener."""
        self.listener.voice_heard(heard)

    def voice_finished(self) -> None:
        """Tell the listener."""
        while self._alignments:
            self.listener.voice_chunk(b"", self._alignments.popleft()[1])
        self.listener.voice_finished()

    async def aclose(self) -> None:
        """Play nothing more."""
        self._alignments.clear()
        await self._sender.aclose()

    def _tell_alignments(self) -> None:
        sent_ms = self._pace.pushed_ms - self._pace.waiting_ms
        while self._alignments and self._alignments[0][0] < sent_ms:
            self.listener.voice_chunk(b"", self._alignments.popleft()[1])
