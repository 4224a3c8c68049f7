"""What was played, in step with what the microphone has heard, so that an echo stays in its place.

An echo canceller knows no clock. It takes one frame of what was played for each that was heard, and
the place of the echo between them must not move: 10 ms are enough for it to lose an echo for half a
second. But devices call late when the machine is busy, then several times at once; and a speaker
that was called too late has played silence meanwhile.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from duologue.audio.samples import NOTHING, Samples, silence

FRAMES_PER_SECOND: Final = 100
"""The audio processing works on frames of 10 ms. It takes others without a word, and spoils them.

Where 10 ms are no whole number of samples (220.5 at 22,050 Hz) a frame is half a sample shorter.
"""

IN_HAND_S: Final = 0.01
"""So much is in hand at first: enough for devices that call in turns."""

MOST_IN_HAND_S: Final = 0.03
"""More would bring the reference after its echo."""

SETTLING_FRAMES: Final = 100
"""If there is more all the time for so long, 1 s, the speaker's clock is the faster one."""

DOUBTFUL_FRAMES: Final = 20
"""After so many frames it is certain that the speaker has played silence: nothing came later."""

LATE_S: Final = 0.01
"""A speaker that is late by no more has hardly ever played silence: it asks 20 ms ahead, or
more. If it has all the same, this is told by `lost`."""

LATE_AT_MOST: Final = 30
LATE_ON_END: Final = 5
"""A speaker that is late more often, within `SETTLING_FRAMES` or on end, calls later than it did at
first: its clock is the slower one, or its turn comes after the microphone's now. Only then is all
that follows moved: the canceller bears 8 silent frames in a tenth of a second, but after one move
of 10 ms it lets the echo through for a while."""

SILENT_AT_MOST: Final = 3
SILENT_WITHIN: Final = 10
"""So many silent frames in a tenth of a second do the canceller no harm."""


class EchoReference:
    """Samples of what was played, 10 ms for each 10 ms that were heard. For one thread.

    Where 10 ms are no whole number of samples, what is over is left out now and then; where the
    frames that were heard are shorter, what is missing comes twice.

    Args:
        sample_rate_hz: of what is played.
        heard_frame_s: how long a frame is that was heard, if not 10 ms to the sample.

    Attributes:
        is_doubtful: whether the last frame is in another place than those before, or too many have
            had silence in place of what was not known in time: the canceller may lose the echo.
        left_out: what was played before the last frame, but is in none, since it came too late.
    """

    def __init__(self, sample_rate_hz: int, heard_frame_s: float = 1 / FRAMES_PER_SECOND) -> None:
        self.frame_size = sample_rate_hz // FRAMES_PER_SECOND
        self._sample_rate_hz = sample_rate_hz
        self._most_in_hand = round(MOST_IN_HAND_S * sample_rate_hz)
        self._normally_in_hand = round(IN_HAND_S * sample_rate_hz)
        self._late_within = round(LATE_S * sample_rate_hz)
        self._in_hand = silence(self._normally_in_hand)
        self._passed_by_frame = heard_frame_s * sample_rate_hz
        self._over = 0.0
        self._assumed = 0
        self._since_assumed = 0
        self._late = self._late_on_end = 0
        self._frames = 0
        self._fewest = self._most_in_hand
        self._has_sounded = False
        self._silent: deque[bool] = deque(maxlen=SILENT_WITHIN)
        self._has_moved = self.is_doubtful = False
        self._leaving_out = self.left_out = NOTHING

    def played(self, samples: Samples) -> None:
        """Take what the speaker plays next."""
        self._in_hand = np.concatenate((self._in_hand, samples))
        self._has_sounded = self._has_sounded or bool(np.any(samples))
        if not self._has_sounded:
            # A speaker that starts calls unevenly. No echo has a place yet that could be kept.
            self._assumed = 0
        elif self._assumed:
            self._take_back(len(samples))

    def _take_back(self, arrived: int) -> None:
        """What was only late is left out, since silence has been given in its place."""
        is_late = self._assumed <= self._late_within
        # A speaker that asks for four frames at once comes late a quarter as often.
        self._late += is_late * max(1, arrived // self.frame_size)
        self._late_on_end += is_late
        if self._late > LATE_AT_MOST or self._late_on_end > LATE_ON_END:
            self._assumed = self._late = self._late_on_end = 0
            self._has_moved = True
            return
        # Of a longer silence it is not known yet; but what is more than usual was late.
        keeps = 0 if is_late else max(self._normally_in_hand, arrived)
        late = min(self._assumed, max(0, len(self._in_hand) - keeps))
        self._leave_out(late)
        self._assumed -= late

    def _leave_out(self, count: int) -> None:
        self._leaving_out = np.concatenate((self._leaving_out, self._in_hand[:count]))
        self._in_hand = self._in_hand[count:]

    @property
    def ahead(self) -> Samples:
        """What has been played, but not been given yet."""
        return self._in_hand

    def lost(self, duration_s: float) -> None:
        """Take note that the speaker has played silence for so long, because it was called late."""
        missing = round(duration_s * self._sample_rate_hz) - self._assumed
        if missing >= 0:
            self._in_hand = np.concatenate((self._in_hand, silence(missing)))
            self._assumed = 0
            return
        late = min(-missing, len(self._in_hand))
        self._leave_out(late)
        self._assumed = -missing - late

    def next(self) -> Samples:
        """What was played when the next frame was heard; silence, as far as nothing is known."""
        self._settle()
        passed = self._passed()
        missing = max(passed, self.frame_size) - len(self._in_hand)
        self._silent.append(missing > 0)
        too_silent = sum(self._silent) > SILENT_AT_MOST
        self.is_doubtful = self._has_sounded and (self._has_moved or too_silent)
        self._has_moved = False
        self.left_out, self._leaving_out = self._leaving_out, NOTHING
        if missing <= 0:
            self._late_on_end = 0
        else:
            self._assumed += missing
            self._since_assumed = 0
            self._in_hand = np.concatenate((self._in_hand, silence(missing)))
        frame, self._in_hand = self._in_hand[: self.frame_size], self._in_hand[passed:]
        return frame

    def _passed(self) -> int:
        """How many samples were played while a frame was heard: whole ones, and the rest later."""
        self._over += self._passed_by_frame
        whole = round(self._over)
        self._over -= whole
        return whole

    def _settle(self) -> None:
        self._since_assumed += 1
        if self._since_assumed > DOUBTFUL_FRAMES:
            self._assumed = 0
        self._fewest = min(self._fewest, len(self._in_hand))
        self._frames += 1
        if self._frames == SETTLING_FRAMES:
            too_many = max(0, self._fewest - self._most_in_hand)
            self._in_hand = self._in_hand[too_many:]
            self._has_moved = self._has_moved or too_many > 0
            self._frames, self._fewest, self._late = 0, len(self._in_hand), 0
