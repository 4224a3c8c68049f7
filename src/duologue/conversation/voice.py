"""A spoken conversation."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from duologue.audio.endpoints import Sink, Source
from duologue.connection.base import Received
from duologue.conversation.options.sound import SoundPlan
from duologue.conversation.parts import SessionParts
from duologue.conversation.session import BaseConversation
from duologue.conversation.sound.counters import AudioCounters
from duologue.conversation.wake_lock import WakeLock
from duologue.dialogue.actions import Report
from duologue.dialogue.values import AgentAudio, DeviceChange, Disconnection, ErrorReport, Status
from duologue.errors import ConversationEnded
from duologue.protocol.client_messages import ClientMessage, UserAudioChunk
from duologue.protocol.formats import AudioFormat

logger = logging.getLogger("duologue")

if TYPE_CHECKING:
    from duologue.conversation.sound.flow import Sound


class VoiceConversation(BaseConversation):
    """A conversation by voice, through a microphone and a speaker or whatever stands for them."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        source: Source,
        sink: Sink,
        input_format: AudioFormat,
        chunk_ms: int,
        plan: SoundPlan,
    ) -> None:
        self._chunks_sent = 0
        self._early_changes: list[DeviceChange] = []
        self._wake_lock = WakeLock() if plan.use_wake_lock else None
        # numpy and samplerate are loaded by those who speak, not by those who write.
        from duologue.conversation.sound.flow import Sound, SoundEvents

        self._sound: Sound = Sound(
            source=source,
            sink=sink,
            input_format=input_format,
            chunk_ms=chunk_ms,
            start_ms=parts.connection.start_ms,
            events=SoundEvents(
                chunk=self._send_chunk,
                playing=self._playing_changed,
                audible=self._became_audible,
                changed=self._device_changed,
                failed=self._sound_failed,
            ),
            wanted=plan.treatment,
        )
        super().__init__(parts)  # at last: it begins a task, and a source may have no fit rate

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

    async def interrupt(self) -> None:
        """Silence the agent's current answer here: nothing more of it is heard.

        The protocol has no message that stops an agent: to its server, and in its transcript, the
        answer goes on. A new answer is heard again. Over WebRTC, where sound has no ids, that is
        after the user has said or written something, or once the agent has been silent for 1 s.
        Without an answer it does nothing.
        """
        with self._rules_lock:
            actions = self._dialogue.silence_answer(self._now_ms())
        self._carry_out(actions)

    async def change_input_device(
        self,
        input_device_id: str | None = None,
        *,
        sample_rate: int | None = None,
        format: Literal["pcm", "ulaw"] | None = None,
    ) -> None:
        """Go on with another microphone, once that is open. Muting and processing stay as they are.

        A device that does not exist is replaced by the system's default one, and `on_device_change`
        says so, as after every change. Several changes come one after another. Cancelling stops
        the waiting, not the change.

        Args:
            input_device_id: its id, its name or a part of the name that no other has; None for the
                system's default.
            sample_rate: at how many Hz it is opened; what is sent stays as agreed with the server.
            format: accepted for the JavaScript client's sake: devices know PCM only, and what is
                sent stays as agreed with the server.

        Raises:
            DeviceError: it cannot be opened, or not within 10 s, and the one in use goes on; or the
                microphone is a source of your own that cannot be switched.
            ValueError: `sample_rate` is not positive, or `format` is neither pcm nor ulaw.
            ConversationEnded: the conversation is ending or over.
        """
        self._check_change(sample_rate, format)
        await self._sound.switch_input(input_device_id, sample_rate)

    async def change_output_device(
        self,
        output_device_id: str | None = None,
        *,
        sample_rate: int | None = None,
        format: Literal["pcm", "ulaw"] | None = None,
    ) -> None:
        """Go on with another speaker, once that is open. The volume stays as it is.

        See `change_input_device`, for arguments and errors as well.
        """
        self._check_change(sample_rate, format)
        await self._sound.switch_output(output_device_id, sample_rate)

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

        As in the JavaScript client, that is `duologue.audio.Analyser.voice_range_data`: smoothed
        from one reading to the next. Zeros while muted and after the end.
        """
        return self._sound.input_byte_frequency_data()

    def get_output_byte_frequency_data(self) -> bytes:
        """The spectrum of the sound that is played now: 1024 bytes, for 100 to 8000 Hz.

        As in the JavaScript client, that is `duologue.audio.Analyser.voice_range_data`: smoothed
        from one reading to the next. It is measured after the volume. Zeros after the end.
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

    def begin(self, earlier: Iterable[Received], end: Disconnection | None = None) -> None:
        """Become connected; see `BaseConversation.begin`."""
        super().begin(earlier, end)
        for change in self._early_changes:
            self._device_changed(change)

    async def _release(self) -> None:
        try:
            await self._sound.stop()
        finally:
            if self._wake_lock is not None:
                await self._wake_lock.release()

    def _user_was_understood(self) -> None:
        voiced_ms = self._sound.take_voiced_ms()
        if voiced_ms is not None:
            self._dialogue.user_voiced(voiced_ms)

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
        message = UserAudioChunk(audio=chunk)
        if self._outbox.is_clear and self._connection.send_at_once(message):
            self._tell_outgoing(message)
            self._chunks_sent += 1
            return
        try:
            self._outbox.put(message)
        except ConversationEnded:
            return  # the microphone has not stopped yet, but the conversation has

    def _playing_changed(self, playing: bool) -> None:
        with self._rules_lock:
            actions = self._dialogue.playback_changed(playing=playing, now_ms=self._now_ms())
        self._carry_out(actions)

    def _became_audible(self, at_ms: float) -> None:
        with self._rules_lock:
            actions = self._dialogue.became_audible(at_ms)
        self._carry_out(actions)

    def _check_change(self, sample_rate: object, format_name: object) -> None:
        if not self.is_open():
            raise ConversationEnded("the device cannot be changed: the conversation has ended")
        if sample_rate is not None and (
            not isinstance(sample_rate, int) or isinstance(sample_rate, bool) or sample_rate < 1
        ):
            raise ValueError(f"sample_rate must be a positive number of Hz, not {sample_rate!r}")
        if format_name not in (None, "pcm", "ulaw"):
            raise ValueError(f"format must be 'pcm' or 'ulaw', not {format_name!r}")

    def _device_changed(self, change: DeviceChange) -> None:
        if self.status is Status.CONNECTING:
            self._early_changes.append(change)  # told once the conversation is connected
            return
        if change.reason is not None:
            logger.warning("another %s is in use: %s", change.kind, change.reason)
        self._carry_out([Report.of("on_device_change", change)])

    def _sound_failed(self, part: str, error: Exception) -> None:
        report = ErrorReport(
            message=f"the {part} failed: {error}", context={"device": part, "exception": error}
        )
        self._carry_out([Report.of("on_error", report)])
