"""How late the frames of a track are, which come at the pace of sound where nothing is busy."""

from __future__ import annotations

from collections import deque
from typing import Final

FRAMES: Final = 100
"""So many are looked back upon, a second of them: a machine that was late once is so again."""


class FramePace:
    """Compares when frames came with when they would have come, each as long after the one before
    as that lasts.
    """

    def __init__(self) -> None:
        self._due_ms = 0.0
        self._behind_ms: deque[float] = deque(maxlen=FRAMES)

    def note(self, now_ms: float, duration_ms: float) -> None:
        """Take note of a frame that comes now and lasts so long."""
        self._behind_ms.append(now_ms - self._due_ms)
        self._due_ms += duration_ms

    @property
    def late_ms(self) -> float:
        """How much later than the most punctual frame of the last 100 the least punctual one came.

        Zero before there is a second one.
        """
        return max(self._behind_ms) - min(self._behind_ms) if self._behind_ms else 0.0
