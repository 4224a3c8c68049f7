"""A spoken conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from duologue.audio.endpoints import Sink, Source
from duologue.conversation.audio_counters import AudioCounters
from duologue.conversation.session import BaseConversation, SessionParts
from duologue.conversation.wake_lock import WakeLock
from duologue.dialogue.actions import Report
from duologue.dialogue.values import AgentAudio, DeviceChange, ErrorReport
from duologue.errors import ConversationEnded
from duologue.protocol.client_messages import ClientMessage, UserAudioChunk
from duologue.protocol.codec import Incoming
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
        device_changes: Sequence[DeviceChange] = (),
        wake_lock: WakeLock | None = None,
    ) -> None:
        super().__init__(parts)
        self._chunks_sent = 0
        self._device_changes = device_changes
        self._wake_lock = wake_lock
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
        """Let silence take the place of the user's sound, at the same pace, or end that.

        Raises:
            TypeError: `muted` is no bool.
        """
        if not isinstance(muted, bool):
            raise TypeError(f"muted must be True or False, not {type(muted).__name__}")
        self._sound.set_muted(muted)

    @property
    def input_level(self) -> float:
        """The loudness of the last 50 ms that went out, from 0 to 1 (root mean square)."""
        return self._sound.input_level

    @property
    def output_level(self) -> float:
        """The loudness of the last 50 ms that were played, from 0 to 1 (root mean square)."""
        return self._sound.output_level

    def get_input_volume(self) -> float:
        """How loud the user's sound is that goes out now, from 0 to 1.

        It is the mean of `get_input_byte_frequency_data`, as in the JavaScript client; for the
        root mean square see `input_level`. 0 while muted and after the end.
        """
        return self._sound.input_volume()

    def get_output_volume(self) -> float:
        """How loud the agent's sound is that is played now, from 0 to 1, after the volume.

        It is the mean of `get_output_byte_frequency_data`, as in the JavaScript client; for the
        root mean square see `output_level`. 0 after the end.
        """
        return self._sound.output_volume()

    def get_input_byte_frequency_data(self) -> bytes:
        """The spectrum of the user's sound that goes out now: 1024 bytes, for 100 to 8000 Hz.

        See `duologue.audio.Analyser.byte_frequency_data`. Zeros while muted and after the end.
        """
        return self._sound.input_byte_frequency_data()

    def get_output_byte_frequency_data(self) -> bytes:
        """The spectrum of the sound that is played now: 1024 bytes, for 100 to 8000 Hz.

        It is measured after the volume; see `duologue.audio.Analyser.byte_frequency_data`. Zeros
        after the end.
        """
        return self._sound.output_byte_frequency_data()

    @property
    def heard_text(self) -> str:
        """What the user has heard until now of the response that was played last.

        It grows while the response is played, stays as it is when the user interrupts, and gives
        way to the next response when that begins to be played. Where the server sends the times of
        characters, it ends with the last one that was spoken in full, and so may end within a
        word. Where it sends none, the share of the response's sound that was played is taken for
        the share of its text: an estimate, and too high while sound is still to come. Sound counts
        as heard when the speaker takes it, whatever the volume.
        """
        return self._dialogue.heard.until_now(self._sound.played_ms)

    @property
    def audio_counters(self) -> AudioCounters:
        """What became of the sound of both sides until now."""
        return replace(
            self._sound.counters(),
            chunks_sent=self._chunks_sent,
            chunks_dropped=self._outbox.dropped_audio,
            late_audio_events=self._dialogue.late_audio_events,
            reports_dropped=self._callbacks.dropped,
        )

    async def prepare(self) -> None:
        """Start microphone and speaker; see `Sound.start`. Sound is captured from now on."""
        if self._wake_lock is not None:
            self._wake_lock.acquire()
        await self._sound.start()

    def begin(self, earlier: Iterable[Incoming]) -> None:
        """Become connected; see `BaseConversation.begin`."""
        super().begin(earlier)
        self._carry_out([Report.of("on_device_change", change) for change in self._device_changes])

    async def _release(self) -> None:
        try:
            await self._sound.stop()
        finally:
            if self._wake_lock is not None:
                await self._wake_lock.release()

    def _play(self, audio: AgentAudio) -> None:
        self._sound.play(audio)

    def _silence(self) -> None:
        self._sound.silence()
        self._dialogue.heard.interrupted(self._sound.played_ms)

    async def _transmit(self, message: ClientMessage) -> None:
        await super()._transmit(message)
        if isinstance(message, UserAudioChunk):
            self._chunks_sent += 1

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
