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

from duologue.audio.samples import Samples

ECHO_WITHIN_FRAMES: Final = 50
"""An echo comes up to 500 ms later than what was played: later than that, it is not cancelled."""

SILENT_BELOW: Final = 100.0
"""Of what is played more quietly than this (root mean square, -50 dBFS) there is no echo."""

DOUBTFUL_FRAMES: Final = 300
"""So many frames with an echo, 3 s, the canceller may need to find it anew."""

LEARNING_FRAMES: Final = 200
"""For so long, 2 s, the loudest echo counts: of what a call begins with, some is not heard yet."""

LEAST_COUPLING: Final = 1e-4
"""An echo is taken to be no softer than this (-40 dB), or a microphone that was switched off at
first would be taken for a room without one."""

UP: Final = 10 ** (0.04 / 10)
DOWN: Final = 10 ** (-0.01 / 10)
"""What is held for the echo's loudness rises by 0.04 dB a frame while more is measured, and falls
by 0.01 dB else. So four of five frames are below it, and a user who speaks for a moment does not
bring it up much. What is measured varies by 5 dB, as rooms do not carry all sounds alike."""


class EchoGuard:
    """Knows how loud an echo is at most, and what may be one. For one thread.

    Each frame of 10 ms belongs to the one of what was played that came with it.
    """

    def __init__(self) -> None:
        self._played: deque[float] = deque(maxlen=ECHO_WITHIN_FRAMES)
        self._heard: deque[float] = deque(maxlen=ECHO_WITHIN_FRAMES)
        self._coupling = LEAST_COUPLING
        self._frames_learned = 0
        self._frames_in_doubt = 0
        self._loudest = 0.0

    def doubt(self) -> None:
        """Take note that the echo may have moved."""
        self._frames_in_doubt = DOUBTFUL_FRAMES

    def hear(self, played: Samples, heard: Samples) -> None:
        """Take the next frame of what was played, and of what was heard, as it was heard."""
        self._played.append(_power(played))
        self._loudest = max(self._played)
        if self._loudest < SILENT_BELOW**2:
            self._heard.clear()
            return
        self._heard.append(_power(heard))
        if len(self._heard) < ECHO_WITHIN_FRAMES:
            return  # the echo of what is loudest may be still to come
        measured = max(self._heard) / self._loudest
        self._frames_learned += 1
        if self._frames_learned <= LEARNING_FRAMES:
            self._coupling = max(self._coupling, measured)
        else:
            followed = self._coupling * (UP if measured > self._coupling else DOWN)
            self._coupling = max(followed, LEAST_COUPLING)

    def may_be_echo(self, processed: Samples, ahead: Samples) -> bool:
        """Whether what is left of the frame is to be held back, to be asked once for each.

        Args:
            processed: the frame that was heard, once the canceller has worked on it.
            ahead: what has been played, but comes with later frames: a microphone that has stood
                still hears its echo too early.
        """
        if not self._frames_in_doubt or not self._frames_learned:
            return False
        size = len(processed)
        frames = (ahead[start : start + size] for start in range(0, len(ahead), size))
        loudest = max(self._loudest, *map(_power, frames), 0.0)
        if loudest < SILENT_BELOW**2:
            return False
        self._frames_in_doubt -= 1
        return _power(processed) <= self._coupling * loudest


def _power(samples: Samples) -> float:
    floats = samples.astype(np.float32)
    return float(floats @ floats) / len(floats)
