"""What a browser does to a microphone's sound: echo cancellation, noise suppression, gain control.

The work is done by WebRTC's audio processing, which comes with LiveKit's client library.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from livekit.rtc import AudioFrame, AudioProcessingModule

from duologue.audio.echo_reference import FRAMES_PER_SECOND, EchoReference
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence

MIN_RATE_HZ: Final = 8_000
MAX_RATE_HZ: Final = 384_000
"""The rates that WebRTC's audio processing takes."""


MAX_BLOCKS_WAITING: Final = 100
"""What was played waits for the microphone, about a second of it: for the rest, nobody listened."""


class VoiceProcessor:
    """Takes the agent's voice and the room's noise out of the microphone's sound.

    `played` belongs to the speaker's thread, `process` to the microphone's. The canceller learns
    the way from the one to the other by itself, if what is played is told when it is played: an
    echo may come up to 500 ms later, but never earlier. In the first second or so it still learns.

    The sound comes out up to 15 ms later than without.
    """

    def __init__(
        self,
        *,
        capture_rate_hz: int,
        playback_rate_hz: int,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        auto_gain_control: bool = False,
    ) -> None:
        """
        Args:
            capture_rate_hz: the rate of what `process` is given, and gives.
            playback_rate_hz: the rate of what `played` is told.
            echo_cancellation: take out what was played.
            noise_suppression: take out what is steady, such as a fan.
            auto_gain_control: bring quiet speakers up and loud ones down.

        Raises:
            ValueError: a rate is not within 8,000 to 384,000 Hz.
        """
        self._capture = _Frames(capture_rate_hz)
        self._playback_rate_hz = playback_rate_hz
        self._cancels_echo = echo_cancellation
        self._played: deque[Samples | float] = deque(maxlen=MAX_BLOCKS_WAITING)
        self._reference = EchoReference(checked_rate_hz(playback_rate_hz))
        self._is_listening = False
        self._module = AudioProcessingModule(
            echo_cancellation=echo_cancellation,
            noise_suppression=noise_suppression,
            high_pass_filter=echo_cancellation or noise_suppression,
            auto_gain_control=auto_gain_control,
        )

    def played(self, samples: Samples) -> None:
        """Take note of what the speaker plays from now on, silence included.

        Args:
            samples: not to be changed afterwards.
        """
        if self._cancels_echo:
            self._played.append(samples)

    def unplayed(self, duration_s: float) -> None:
        """Take note that the speaker has played nothing for so long before what it plays next."""
        if self._cancels_echo:
            self._played.append(duration_s)

    def process(self, samples: Samples) -> Samples:
        """Take what the microphone has heard; give what is ready of it, processed.

        As much comes out as goes in, except that up to 10 ms wait for the rest of their frame.
        """
        frames = self._capture.push(samples)
        if not frames:
            return silence(0)
        self._take_what_was_played()
        for frame in frames:
            if self._cancels_echo:
                reference = frame_of(self._reference.next(), self._playback_rate_hz)
                self._module.process_reverse_stream(reference)
            self._module.process_stream(frame)
        # The frames' own data: what they were made of is not what was worked on.
        processed = [samples_from_bytes(frame.data) for frame in frames]
        return processed[0] if len(processed) == 1 else np.concatenate(processed)

    def _take_what_was_played(self) -> None:
        """In the microphone's thread, so that the speaker's has nothing to wait for.

        It is early enough: an echo of what is played from now on is not in the frames at hand.
        """
        if not self._is_listening:
            # Of what was played before, nobody has heard the echo.
            self._is_listening = True
            while len(self._played) > 1:
                self._played.popleft()
        while self._played:
            played = self._played.popleft()
            if isinstance(played, float):
                self._reference.lost(played)
            else:
                self._reference.played(played)


class _Frames:
    """Cuts a stream into the frames of the audio processing."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = checked_rate_hz(sample_rate_hz)
        self._size = sample_rate_hz // FRAMES_PER_SECOND
        self._waiting = silence(0)

    def push(self, samples: Samples) -> list[AudioFrame]:
        stream = np.concatenate((self._waiting, samples))
        whole = len(stream) // self._size * self._size
        self._waiting = stream[whole:]
        return [
            frame_of(stream[start : start + self._size], self._sample_rate_hz)
            for start in range(0, whole, self._size)
        ]


def frame_of(samples: Samples, sample_rate_hz: int) -> AudioFrame:
    """A copy of the samples, for the audio processing."""
    data = bytearray(bytes_from_samples(samples))
    return AudioFrame(data, sample_rate_hz, 1, len(samples))


def checked_rate_hz(sample_rate_hz: int) -> int:
    """The rate, if the audio processing takes it.

    Raises:
        ValueError: it does not.
    """
    if not MIN_RATE_HZ <= sample_rate_hz <= MAX_RATE_HZ:
        raise ValueError(
            "echo cancellation, noise suppression and gain control need sound at "
            f"{MIN_RATE_HZ:,} to {MAX_RATE_HZ:,} Hz, not {sample_rate_hz:,} Hz; switch them "
            "off, or give a source and a sink of another rate"
        )
    return sample_rate_hz
