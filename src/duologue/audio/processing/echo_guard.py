"""Holds back an echo that the canceller may have lost.

When a device stands still, the echo comes a little sooner or later than before, if only by half a
millisecond, and the canceller has to find it anew. Until it has, words of the agent come through:
enough for an agent to interrupt itself, as measured up to 2.5 s after a standstill of 150 ms. But
how loud the echo is in this room is known by then, and what is no louder is not taken for a user.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from duologue.audio.samples import NOTHING, Samples

ECHO_WITHIN_FRAMES: Final = 50
"""An echo comes up to 500 ms later than what was played: later than that, it is not cancelled."""

SILENT_BELOW: Final = 100.0
"""Of what is played more quietly than this (root mean square, -50 dBFS) there is no echo."""

DOUBTFUL_FRAMES: Final = 300
"""So many frames with an echo, 3 s, the canceller may need to find it anew."""

LEAST_COUPLING: Final = 1e-4
"""An echo is taken to be no softer than this (-40 dB), or a microphone that was switched off at
first would be taken for a room without one."""

UP_DB: Final = 0.04
DOWN_DB: Final = 0.01
"""What is held for the echo's loudness rises so much a frame while more is measured, and falls so
much else. So four of five frames are below it, and a user who speaks for a moment does not bring it
up much. What is measured varies by 5 dB, as rooms do not carry all sounds alike."""

LEARNING_FRAMES: Final = 200
LEARNING_UP_DB: Final = 1.0
LEARNING_DOWN_DB: Final = 0.05
"""For the first 2 s of the agent's speech it follows faster, above all upwards: of what a call
begins with, some is not heard yet."""


class EchoGuard:
    """Knows how loud an echo is at most, and what may be one. For one thread.

    Each frame of 10 ms belongs to the one of what was played that came with it.
    """

    def __init__(self) -> None:
        # The echo of what was played up to 500 ms ago is heard in the 500 ms after that.
        self._played: deque[float] = deque(maxlen=2 * ECHO_WITHIN_FRAMES)
        self._heard: deque[float] = deque(maxlen=ECHO_WITHIN_FRAMES)
        self._coupling = LEAST_COUPLING
        self._frames_learned = 0
        self._frames_in_doubt = 0
        self._loudest = 0.0
        self._frame_size = 1

    def doubt(self) -> None:
        """Take note that the echo may have moved."""
        self._frames_in_doubt = DOUBTFUL_FRAMES

    def learn_anew(self) -> None:
        """Take note that it may be louder or softer now, as with another speaker."""
        self._frames_learned = 0

    def hear(self, played: Samples, heard: Samples, left_out: Samples = NOTHING) -> None:
        """Take the next frame of what was played, and of what was heard, as it was heard.

        Args:
            left_out: what was played before, but is in no frame: its echo comes all the same.
        """
        self._frame_size = len(played)
        loudest = _energy(played) / self._frame_size
        if len(left_out):
            loudest = max(loudest, self._loudest_of(left_out))
        self._played.append(loudest)
        self._heard.append(_energy(heard) / len(heard))
        self._loudest = max(list(self._played)[-ECHO_WITHIN_FRAMES:])
        if self._loudest < SILENT_BELOW**2 or len(self._played) < ECHO_WITHIN_FRAMES:
            return
        measured = max(self._heard) / max(self._played)
        is_learning = self._frames_learned < LEARNING_FRAMES
        up_db = LEARNING_UP_DB if is_learning else UP_DB
        down_db = LEARNING_DOWN_DB if is_learning else DOWN_DB
        step_db = up_db if measured > self._coupling else -down_db
        self._coupling = max(LEAST_COUPLING, self._coupling * 10 ** (step_db / 10))
        self._frames_learned += 1

    def may_be_echo(self, processed: Samples, ahead: Samples) -> bool:
        """Whether what is left of the frame is to be held back, to be asked once for each.

        Args:
            processed: the frame that was heard, once the canceller has worked on it.
            ahead: what has been played, but comes with later frames: a microphone that has stood
                still hears its echo too early.
        """
        if not self._frames_in_doubt:
            return False
        loudest = max(self._loudest, self._loudest_of(ahead))
        if loudest < SILENT_BELOW**2:
            return False
        self._frames_in_doubt -= 1
        # Gain control may bring up what is left; as it was heard, it was no louder than this.
        left = min(_energy(processed) / len(processed), self._heard[-1])
        return left <= self._coupling * loudest

    def _loudest_of(self, played: Samples) -> float:
        """The mean square of the loudest frame."""
        size = self._frame_size
        frames = (played[start : start + size] for start in range(0, len(played), size))
        return max((_energy(frame) / size for frame in frames), default=0.0)


def _energy(samples: Samples) -> float:
    floats = samples.astype(np.float32)
    return float(floats.dot(floats))
