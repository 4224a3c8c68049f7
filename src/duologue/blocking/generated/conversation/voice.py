"""Generated from `duologue.conversation.voice` by `make blocking`; not to be edited."""

from __future__ import annotations

from typing import Literal

from duologue.blocking.generated.conversation.session import BaseConversation
from duologue.conversation.sound.counters import AudioCounters
from duologue.conversation.voice import VoiceConversation as AsyncioVoiceConversation


class VoiceConversation(BaseConversation):
    """A conversation by voice, through a microphone and a speaker or whatever stands for them."""

    _conversation: AsyncioVoiceConversation

    @property
    def type(self) -> Literal["voice"]:
        """Always `"voice"`."""
        return self._in_loop(lambda: self._conversation.type)

    def set_volume(self, volume: float) -> None:
        """Set the speaker's volume, from 0 to 1; what is beyond is clamped.

        Raises:
            ValueError: it is not a finite number.
        """
        self._in_loop(lambda: self._conversation.set_volume(volume))

    def set_mic_muted(self, muted: bool) -> None:
        """Let silence take the place of the user's sound, at the same pace, or end that.

        Raises:
            TypeError: `muted` is no bool.
        """
        self._in_loop(lambda: self._conversation.set_mic_muted(muted))

    def interrupt(self) -> None:
        """Silence the agent's current answer here: nothing more of it is heard.

        The protocol has no message that stops an agent: to its server, and in its transcript, the
        answer goes on. A new answer is heard again. Over WebRTC, where sound has no ids, that is
        after the user has said or written something, or once the agent has been silent for 1 s.
        Without an answer it does nothing.
        """
        self._wait_for(self._conversation.interrupt)

    def change_input_device(
        self,
        input_device_id: str | None = None,
        *,
        sample_rate: int | None = None,
        format: Literal["pcm", "ulaw"] | None = None,
    ) -> None:
        """Go on with another microphone, once that is open. Muting and processing stay as they are.

        A device that does not exist is replaced by the system's default one, and `on_device_change`
        says so, as after every change. Several changes come one after another.

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
        self._wait_for(
            lambda: self._conversation.change_input_device(
                input_device_id, sample_rate=sample_rate, format=format
            )
        )

    def change_output_device(
        self,
        output_device_id: str | None = None,
        *,
        sample_rate: int | None = None,
        format: Literal["pcm", "ulaw"] | None = None,
    ) -> None:
        """Go on with another speaker, once that is open. The volume stays as it is.

        See `change_input_device`, for arguments and errors as well.
        """
        self._wait_for(
            lambda: self._conversation.change_output_device(
                output_device_id, sample_rate=sample_rate, format=format
            )
        )

    @property
    def input_level(self) -> float:
        """The loudness of the last 50 ms that went out, from 0 to 1 (root mean square)."""
        return self._in_loop(lambda: self._conversation.input_level)

    @property
    def output_level(self) -> float:
        """The loudness of the last 50 ms that were played, from 0 to 1 (root mean square)."""
        return self._in_loop(lambda: self._conversation.output_level)

    def get_input_volume(self) -> float:
        """How loud the user's sound is that goes out now, from 0 to 1.

        It is the mean of `get_input_byte_frequency_data`, as in the JavaScript client; for the
        root mean square see `input_level`. 0 while muted and after the end.
        """
        return self._in_loop(self._conversation.get_input_volume)

    def get_output_volume(self) -> float:
        """How loud the agent's sound is that is played now, from 0 to 1, after the volume.

        It is the mean of `get_output_byte_frequency_data`, as in the JavaScript client; for the
        root mean square see `output_level`. 0 after the end.
        """
        return self._in_loop(self._conversation.get_output_volume)

    def get_input_byte_frequency_data(self) -> bytes:
        """The spectrum of the user's sound that goes out now: 1024 bytes, for 100 to 8000 Hz.

        As in the JavaScript client, that is `duologue.audio.Analyser.voice_range_data`: smoothed
        from one reading to the next. Zeros while muted and after the end.
        """
        return self._in_loop(self._conversation.get_input_byte_frequency_data)

    def get_output_byte_frequency_data(self) -> bytes:
        """The spectrum of the sound that is played now: 1024 bytes, for 100 to 8000 Hz.

        As in the JavaScript client, that is `duologue.audio.Analyser.voice_range_data`: smoothed
        from one reading to the next. It is measured after the volume. Zeros after the end.
        """
        return self._in_loop(self._conversation.get_output_byte_frequency_data)

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
        return self._in_loop(lambda: self._conversation.heard_text)

    @property
    def audio_counters(self) -> AudioCounters:
        """What became of the sound of both sides until now."""
        return self._in_loop(lambda: self._conversation.audio_counters)
