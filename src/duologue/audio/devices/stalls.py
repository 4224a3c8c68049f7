"""Time that a device has lost: it stood still for a while, and has not made up for it.

A speaker whose program comes late plays what it has, then nothing; what comes next is heard so much
later, for good. A microphone throws away what it cannot keep. Who only counts samples sees neither.
The clock tells, but a call may also come late because the program was busy, and be followed by
others at once: so time is lost only if it is missing in several calls on end, of which those that
follow at once are one.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from duologue.audio.devices.punctuality import LATE_AFTER_S

SETTLING_S: Final = 0.2
"""A device fills its buffer first, so that its first calls come early."""

AT_ONCE: Final = 0.5
"""A call that comes sooner than after half of the sound before it makes up for a late one."""

DRIFT: Final = 0.0002
"""Clocks of sound devices differ from the computer's by 0.01 % or so; twice that is no loss."""

LATER_STEP_S: Final = 0.001
"""How late calls usually come follows by 1 ms for each that was later, and back by a twentieth for
each other one: so it is what 19 of 20 keep to. Some devices call several times on end, then not."""


class LostTime:
    """Compares the sound that a device has asked for, or has brought, with the time that passed.

    Attributes:
        is_doubtful: whether the last call was later than usual by 20 ms, which may have cost time,
            or showed that time was lost.

    Args:
        certain_after_s: the loss is known after so much sound that did not come at once.
        noteworthy_s: what is less than that is jitter.
    """

    def __init__(self, *, certain_after_s: float, noteworthy_s: float) -> None:
        self._certain_after_s = certain_after_s
        self._noteworthy_s = noteworthy_s
        self._sound_s = 0.0
        self._due_s = 0.0
        self._usual_s = 0.0
        self._next_s = 0.0
        self._block_s = 0.0
        self._late_s: deque[float] = deque()
        self._usually_late_s = 0.0
        self.is_doubtful = False

    def before(self, duration_s: float, now_s: float) -> float:
        """Take a call for so much sound, and give the time lost before it, mostly 0.

        Args:
            duration_s: of the sound.
            now_s: when the sound begins: when a speaker asked for it; for a microphone, which
                calls when it is over, so much earlier.
        """
        self.is_doubtful = False
        if not duration_s:  # a resampler that gives nothing yet
            return 0.0
        if not self._sound_s:
            self._due_s = now_s
        self._sound_s += duration_s
        if self._late_s and now_s < self._next_s:
            self._late_s.pop()
        self._next_s = now_s + AT_ONCE * duration_s
        self._late_s.append(now_s - self._due_s)
        self._due_s += duration_s
        self._forget(duration_s)
        late_s = min(self._late_s)
        if self._sound_s <= SETTLING_S:
            self._usual_s = late_s
            return 0.0
        self._doubt(self._late_s[-1] - self._usual_s)
        lost_s = late_s - self._usual_s
        if lost_s > self._noteworthy_s:
            self._due_s += lost_s
            self._late_s = deque(late - lost_s for late in self._late_s)
            self.is_doubtful = True
            return lost_s
        followed_s = DRIFT * duration_s
        self._usual_s += max(-followed_s, min(followed_s, lost_s))
        return 0.0

    def _doubt(self, late_s: float) -> None:
        self.is_doubtful = late_s > self._usually_late_s + LATE_AFTER_S
        is_later = late_s > self._usually_late_s
        self._usually_late_s += LATER_STEP_S if is_later else -LATER_STEP_S / 20

    def _forget(self, duration_s: float) -> None:
        """Keep the calls that have to be late. A long one that fills a gap is none of them."""
        calls = max(1, round(self._certain_after_s / min(duration_s, self._block_s or duration_s)))
        self._block_s = duration_s
        while len(self._late_s) > calls:
            self._late_s.popleft()
