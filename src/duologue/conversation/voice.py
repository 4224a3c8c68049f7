"""A spoken conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duologue.audio.endpoints import Sink, Source
from duologue.conversation.session import BaseConversation, SessionParts
from duologue.dialogue.actions import Report
from duologue.dialogue.values import AgentAudio, ErrorReport
from duologue.errors import ConversationEnded
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.formats import AudioFormat

if TYPE_CHECKING:
    from duologue.conversation.sound import Sound


class VoiceConversation(BaseConversation):
    """A conversation by voice, through a microphone and a speaker or whatever stands for them."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        source: Source,
        sink: Sink,
        input_format: AudioFormat,
        input_chunk_duration_ms: int,
    ) -> None:
        super().__init__(parts)
        # numpy and soxr are loaded by those who speak, not by those who write.
        from duologue.conversation.sound import Sound, SoundEvents

        self._sound: Sound = Sound(
            source=source,
            sink=sink,
            input_format=input_format,
            chunk_ms=input_chunk_duration_ms,
            events=SoundEvents(
                chunk=self._send_chunk,
                voiced=self._dialogue.user_voiced,
                playing=self._playing_changed,
                audible=self._became_audible,
                failed=self._device_failed,
            ),
        )

    @property
    def type(self) -> Literal["voice"]:
        """Always `"voice"`."""
        return "voice"

    def set_volume(self, volume: float) -> None:
        """Set the speaker's volume, from 0 to 1; what is beyond is clamped.

        Raises:
            ValueError: it is not a finite number.
        """
        self._sound.set_volume(volume)

    def set_mic_muted(self, muted: bool) -> None:
        """Let silence take the place of the user's sound, at the same pace, or end that."""
        self._sound.set_muted(muted)

    @property
    def input_level(self) -> float:
        """The loudness of the last 50 ms that went out, from 0 to 1 (root mean square)."""
        return self._sound.input_level

    @property
    def output_level(self) -> float:
        """The loudness of the last 50 ms that were played, from 0 to 1 (root mean square)."""
        return self._sound.output_level

    async def prepare(self) -> None:
        """Start microphone and speaker; see `Sound.start`. Sound is captured from now on."""
        await self._sound.start()

    async def _release(self) -> None:
        await self._sound.stop()

    def _play(self, audio: AgentAudio) -> None:
        self._sound.play(audio)

    def _silence(self) -> None:
        self._sound.silence()

    def _send_chunk(self, chunk: bytes) -> None:
        try:
            self._outbox.put(UserAudioChunk(audio=chunk))
        except ConversationEnded:
            return  # the microphone has not stopped yet, but the conversation has

    def _playing_changed(self, playing: bool) -> None:
        self._carry_out(self._dialogue.playback_changed(playing=playing))

    def _became_audible(self, at_ms: float) -> None:
        self._carry_out(self._dialogue.became_audible(at_ms))

    def _device_failed(self, is_input: bool, error: Exception) -> None:
        name = "microphone" if is_input else "speaker"
        report = ErrorReport(
            message=f"the {name} failed: {error}", context={"device": name, "exception": error}
        )
        self._carry_out([Report.of("on_error", report)])
