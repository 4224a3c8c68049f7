"""What a browser does to a microphone's sound: echo cancellation, noise suppression, gain control.

The work is done by WebRTC's audio processing, which comes with LiveKit's client library.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np
from livekit.rtc import AudioFrame, AudioProcessingModule

from duologue.audio.echo_guard import EchoGuard
from duologue.audio.echo_reference import FRAMES_PER_SECOND, EchoReference
from duologue.audio.gain import RampedGain
from duologue.audio.livekit_exit import let_callbacks_return_at_exit
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence

MIN_RATE_HZ: Final = 8_000
MAX_RATE_HZ: Final = 384_000
"""The rates that WebRTC's audio processing takes."""


NOTHING: Final = silence(0)

MAX_BLOCKS_WAITING: Final = 100
"""What was played waits for the microphone, about a second of it: for the rest, nobody listened."""

HOLD_BACK_MS: Final = 5
"""So long the sound fades that is held back, and that which is not any more."""

let_callbacks_return_at_exit()


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
        self._arrived: list[tuple[Samples, list[Samples | float]]] = []
        self._waiting = 0
        self._playback_rate_hz = playback_rate_hz
        self._cancels_echo = echo_cancellation
        self._played: deque[Samples | float] = deque(maxlen=MAX_BLOCKS_WAITING)
        self._reference = EchoReference(
            checked_rate_hz(playback_rate_hz), self._capture.size / capture_rate_hz
        )
        self._guard = EchoGuard()
        self._gain = RampedGain(capture_rate_hz, ramp_ms=HOLD_BACK_MS)
        self._is_doubtful = self._is_other_device = False
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

    def doubt(self) -> None:
        """Take note, in any thread, that a device may have stood still, which moves the echo.

        For 3 s of what is played, sound that is no louder than its echo is held back.
        """
        self._is_doubtful = True

    def device_changed(self) -> None:
        """Take note, in any thread, that the echo may be louder or softer from now on."""
        self._is_other_device = True

    def process(self, samples: Samples, at_least: int = 1) -> Samples:
        """Take what the microphone has heard; give what is ready of it, processed.

        As much comes out as goes in, except that up to 10 ms wait for the rest of their frame.

        Args:
            samples: not to be changed afterwards.
            at_least: while fewer samples are ready, they wait: several frames at once take less
                time than one by one.
        """
        # What was played is taken now: an echo of what is played from now on is not in there.
        self._arrived.append((samples, self._played_since()))
        self._waiting += len(samples)
        if self._waiting < max(at_least, self._capture.size):
            return NOTHING
        arrived, self._arrived, self._waiting = self._arrived, [], 0
        processed = [
            frame for samples, played in arrived for frame in self._frames(samples, played)
        ]
        self._waiting = self._capture.held
        return np.concatenate(processed)

    def _played_since(self) -> list[Samples | float]:
        """In the microphone's thread, so that the speaker's has nothing to wait for."""
        if not self._is_listening:
            # Of what was played before, nobody has heard the echo.
            self._is_listening = True
            while len(self._played) > 1:
                self._played.popleft()
        played = []
        while self._played:
            played.append(self._played.popleft())
        return played

    def _frames(self, samples: Samples, played: list[Samples | float]) -> Iterator[Samples]:
        for what in played:
            if isinstance(what, float):
                self._reference.lost(what)
            else:
                self._reference.played(what)
        for frame in self._capture.push(samples):
            if self._cancels_echo:
                yield self._without_echo(frame)
            else:
                yield self._processed(frame)

    def _without_echo(self, frame: AudioFrame) -> Samples:
        played = self._reference.next()
        self._guard.hear(played, samples_from_bytes(frame.data), self._reference.left_out)
        self._module.process_reverse_stream(frame_of(played, self._playback_rate_hz))
        processed = self._processed(frame)
        if self._is_other_device:
            self._is_other_device = False
            self._guard.learn_anew()
        if self._is_doubtful or self._reference.is_doubtful:
            self._is_doubtful = False
            self._guard.doubt()
        may_be_echo = self._guard.may_be_echo(processed, self._reference.ahead)
        self._gain.target = 0.0 if may_be_echo else 1.0
        return self._gain.apply(processed)

    def _processed(self, frame: AudioFrame) -> Samples:
        self._module.process_stream(frame)
        # The frame's own data: what it was made of is not what was worked on.
        return samples_from_bytes(frame.data)


class _Frames:
    """Cuts a stream into the frames of the audio processing.

    Attributes:
        size: of a frame, in samples.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = checked_rate_hz(sample_rate_hz)
        self.size = sample_rate_hz // FRAMES_PER_SECOND
        self._rest = NOTHING

    @property
    def held(self) -> int:
        """How many samples wait for the rest of their frame."""
        return len(self._rest)

    def push(self, samples: Samples) -> list[AudioFrame]:
        stream = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(stream) // self.size * self.size
        self._rest = stream[whole:]
        return [
            frame_of(stream[start : start + self.size], self._sample_rate_hz)
            for start in range(0, whole, self.size)
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
