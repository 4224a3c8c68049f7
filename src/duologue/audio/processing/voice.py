"""What a browser does to a microphone's sound: echo cancellation, noise suppression, gain control.

The work is done by WebRTC's audio processing; here it gets what it needs, in the right order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from duologue.audio.gain import RampedGain
from duologue.audio.processing.echo_guard import EchoGuard
from duologue.audio.processing.echo_reference import FRAMES_PER_SECOND, EchoReference
from duologue.audio.processing.webrtc import WebRTCProcessing
from duologue.audio.samples import NOTHING, Samples

MIN_RATE_HZ: Final = 8_000
MAX_RATE_HZ: Final = 384_000
"""The rates that WebRTC's audio processing takes."""


MAX_BLOCKS_WAITING: Final = 100
"""What was played waits for the microphone, about a second of it: for the rest, nobody listened."""

HOLD_BACK_MS: Final = 5
"""So long the sound fades that is held back, and that which is not any more."""


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
        self._frame_size = checked_rate_hz(capture_rate_hz) // FRAMES_PER_SECOND
        self._capture_rate_hz = capture_rate_hz
        self._playback_rate_hz = checked_rate_hz(playback_rate_hz)
        self._rest = NOTHING
        self._cancels_echo = echo_cancellation
        self._played: deque[Samples | float] = deque(maxlen=MAX_BLOCKS_WAITING)
        self._reference = EchoReference(playback_rate_hz, self._frame_size / capture_rate_hz)
        self._guard = EchoGuard()
        self._gain = RampedGain(capture_rate_hz, ramp_ms=HOLD_BACK_MS)
        self._is_doubtful = self._is_other_device = False
        self._is_listening = False
        self._webrtc = WebRTCProcessing(
            heard_rate_hz=capture_rate_hz,
            played_rate_hz=playback_rate_hz,
            echo_cancellation=echo_cancellation,
            noise_suppression=noise_suppression,
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
        """Take note, in any thread, that the echo may be louder or softer from now on.

        It comes sooner or later as well, so for a while the sound is doubted, see `doubt`.
        """
        self._is_other_device = True

    @property
    def held(self) -> int:
        """How many samples wait for the rest of their frame."""
        return len(self._rest)

    def process(self, samples: Samples) -> Samples:
        """Take what the microphone has heard; give what is ready of it, processed.

        As much comes out as goes in, except that up to 10 ms wait for the rest of their frame.
        Several frames at once take less time than one by one.

        Args:
            samples: not to be changed afterwards.
        """
        played = self._played_since(len(samples) / self._capture_rate_hz)
        stream = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        size = self._frame_size
        whole = len(stream) // size * size
        self._rest = stream[whole:]
        frames = [stream[start : start + size] for start in range(0, whole, size)]
        if not frames:
            self._take_note(played)
            return NOTHING
        if not self._cancels_echo:
            return np.concatenate([self._webrtc.heard(frame) for frame in frames])
        processed = []
        for frame, came_with_it in zip(frames, shared_out(played, len(frames)), strict=True):
            self._take_note(came_with_it)
            processed.append(self._without_echo(frame))
        return np.concatenate(processed)

    def _take_note(self, played: list[Samples | float]) -> None:
        for what in played:
            if isinstance(what, float):
                self._reference.lost(what)
            else:
                self._reference.played(what)

    def _played_since(self, heard_s: float) -> list[Samples | float]:
        """In the microphone's thread, so that the speaker's has nothing to wait for."""
        played = []
        while self._played:
            played.append(self._played.popleft())
        if not self._is_listening:
            self._is_listening = True
            return last_of(played, heard_s, self._playback_rate_hz)
        return played

    def _without_echo(self, heard: Samples) -> Samples:
        played = self._reference.next()
        self._guard.hear(played, heard, self._reference.left_out)
        self._webrtc.played(played)
        processed = self._webrtc.heard(heard)
        if self._is_other_device:
            self._is_other_device = False
            self._is_doubtful = True
            self._guard.learn_anew()
        if self._is_doubtful or self._reference.is_doubtful:
            self._is_doubtful = False
            self._guard.doubt()
        may_be_echo = self._guard.may_be_echo(processed, self._reference.ahead)
        self._gain.target = 0.0 if may_be_echo else 1.0
        return self._gain.apply(processed)


def shared_out(played: list[Samples | float], frames: int) -> Iterator[list[Samples | float]]:
    """What was played, as it came with each of the frames that were heard meanwhile, or nearly.

    With all of it before the first frame, too much would seem to wait.
    """
    done = 0
    for number in range(1, frames + 1):
        until = -(-len(played) * number // frames)
        yield played[done:until]
        done = until


def last_of(played: list[Samples | float], heard_s: float, rate_hz: int) -> list[Samples | float]:
    """As much as was played while so much was heard: of what came before, nobody heard the echo.

    Args:
        played: sound, and seconds without any.
        heard_s: what is given lasts so long at least, if there is as much.
        rate_hz: of what was played.
    """
    lasted_s = 0.0
    for number, what in reversed(list(enumerate(played))):
        lasted_s += what if isinstance(what, float) else len(what) / rate_hz
        if lasted_s >= heard_s:
            return played[number:]
    return played


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
