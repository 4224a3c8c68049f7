"""What is done with the sound of a conversation on its way: the user's is processed, both sides
are recorded.

Nothing of it is loaded or made for conversations that do without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from duologue.audio.samples import Samples
from duologue.conversation.options.sound import Treatment

if TYPE_CHECKING:
    from duologue.audio.recording import Recording
    from duologue.audio.voice_processor import VoiceProcessor


class SoundTreatment:
    """Processes and records, as the options ask.

    `process` and `captured` belong to the microphone's thread, `played` to the speaker's.
    """

    def __init__(
        self,
        wanted: Treatment,
        *,
        capture_rate_hz: int,
        playback_rate_hz: int,
        failed: Callable[[Exception], None],
    ) -> None:
        """
        Args:
            capture_rate_hz: the rate of the user's sound.
            playback_rate_hz: the rate of the agent's sound, as it is played.
            failed: called, from any thread, if the recording cannot go on.
        """
        self._wanted = wanted
        self._capture_rate_hz = capture_rate_hz
        self._playback_rate_hz = playback_rate_hz
        self._failed = failed
        self._processor: VoiceProcessor | None = None
        self._recording: Recording | None = None

    def start(self) -> None:
        """Make what is needed. Loads libraries and opens a file, so it may take a while.

        Raises:
            AudioFileError: the file of the recording cannot be created.
            ValueError: the rate of the source or of the sink cannot be processed.
        """
        wanted = self._wanted
        if wanted.processes:
            from duologue.audio.voice_processor import VoiceProcessor

            self._processor = VoiceProcessor(
                capture_rate_hz=self._capture_rate_hz,
                playback_rate_hz=self._playback_rate_hz,
                echo_cancellation=wanted.echo_cancellation,
                noise_suppression=wanted.noise_suppression,
                auto_gain_control=wanted.auto_gain_control,
            )
        if wanted.record is not None:
            from duologue.audio.recording import Recording

            self._recording = Recording(
                wanted.record,
                user_rate_hz=self._capture_rate_hz,
                agent_rate_hz=self._playback_rate_hz,
            )
            self._recording.failed = self._failed

    def stop(self) -> None:
        """Complete the recording, within 2 s."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close()

    def process(self, samples: Samples) -> Samples:
        """Take what the microphone has heard; give what is ready of it."""
        return samples if self._processor is None else self._processor.process(samples)

    def captured(self, samples: Samples) -> None:
        """Take note of what goes out of the user's sound."""
        recording = self._recording
        if recording is not None:
            recording.user(samples)

    def played(self, samples: Samples) -> None:
        """Take note of what the speaker plays from now on."""
        if self._processor is not None:
            self._processor.played(samples)
        recording = self._recording
        if recording is not None:
            recording.agent(samples)
