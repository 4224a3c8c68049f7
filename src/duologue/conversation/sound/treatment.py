"""What is done with the sound of a conversation on its way: the user's is processed, both sides
are recorded.

Nothing of it is loaded or made for conversations that do without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.audio.devices.stalls import LostTime
from duologue.audio.samples import Samples, silence
from duologue.conversation.options.sound import Treatment

if TYPE_CHECKING:
    from duologue.audio.files.recording import Recording
    from duologue.audio.processing.voice import VoiceProcessor

LONGEST_MISSED_S: Final = 1.0
"""After a microphone was away for longer the canceller learns anew in any case."""


class SoundTreatment:
    """Processes and records, as the options ask.

    A device that stands still for a while shifts what is heard against what is played, and the
    canceller would have to find the echo anew: of simulated standstills of 40 to 400 ms, one in
    four made an agent interrupt itself. Silence takes the place of what was lost on either side, so
    that the echo stays where it is, if not to the sample: so for a while what is no louder than an
    echo is held back. Of an echo with peaks of 6,000, 320 standstills let peaks of no more than 17
    through.

    `process` and `captured` belong to the microphone's thread, `played` to the speaker's.
    """

    def __init__(
        self,
        wanted: Treatment,
        *,
        capture_rate_hz: int,
        playback_rate_hz: int,
        failed: Callable[[Exception], None],
        clock_s: Callable[[], float],
    ) -> None:
        """
        Args:
            capture_rate_hz: the rate of the user's sound.
            playback_rate_hz: the rate of the agent's sound, as it is played.
            failed: called, from any thread, if the recording cannot go on.
            clock_s: the time in seconds, from any thread.
        """
        self._wanted = wanted
        self._capture_rate_hz = capture_rate_hz
        self._playback_rate_hz = playback_rate_hz
        self._failed = failed
        self._clock_s = clock_s
        self._lost_by_speaker = LostTime(certain_after_s=0.05, noteworthy_s=0.002)
        # Sound systems hand out what was recorded less evenly: by 5 ms, as measured.
        # After more sound than the speaker, so that what it lost at the same time is known by then.
        self._lost_by_microphone = LostTime(certain_after_s=0.08, noteworthy_s=0.01)
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
            from duologue.audio.processing.voice import VoiceProcessor

            self._processor = VoiceProcessor(
                capture_rate_hz=self._capture_rate_hz,
                playback_rate_hz=self._playback_rate_hz,
                echo_cancellation=wanted.echo_cancellation,
                noise_suppression=wanted.noise_suppression,
                auto_gain_control=wanted.auto_gain_control,
            )
        if wanted.record is not None:
            from duologue.audio.files.recording import Recording

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

    @property
    def held(self) -> int:
        """How many samples of the user's sound wait for what comes next."""
        return 0 if self._processor is None else self._processor.held

    def process(self, samples: Samples) -> Samples:
        """Take what the microphone has heard; give what is ready of it.

        See `VoiceProcessor.process`; without a processor, all is ready at once.
        """
        processor = self._processor
        if processor is None:
            return samples
        duration_s = len(samples) / self._capture_rate_hz
        # By when the sound began: pieces of different lengths are in time if they end in time.
        lost_s = self._lost_by_microphone.before(duration_s, self._clock_s() - duration_s)
        if self._lost_by_microphone.is_doubtful:
            processor.doubt()
        if lost_s:
            missed = silence(round(min(lost_s, LONGEST_MISSED_S) * self._capture_rate_hz))
            samples = np.concatenate((missed, samples))
        return processor.process(samples)

    def device_changed(self) -> None:
        """Take note, in any thread, that there is another microphone or speaker."""
        processor = self._processor
        if processor is not None:
            processor.device_changed()

    def captured(self, samples: Samples) -> None:
        """Take note of what goes out of the user's sound."""
        recording = self._recording
        if recording is not None:
            recording.user(samples)

    def played(self, samples: Samples) -> None:
        """Take note of what the speaker plays from now on."""
        processor = self._processor
        if processor is not None:
            duration_s = len(samples) / self._playback_rate_hz
            lost_s = self._lost_by_speaker.before(duration_s, self._clock_s())
            if self._lost_by_speaker.is_doubtful:
                processor.doubt()
            if lost_s:
                processor.unplayed(lost_s)
            processor.played(samples)
        recording = self._recording
        if recording is not None:
            recording.agent(samples)
