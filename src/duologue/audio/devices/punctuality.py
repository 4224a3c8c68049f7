"""Whether a device calls in time: nothing else tells of an overrun or an underrun within it."""

from __future__ import annotations

from typing import Final

LATE_AFTER_S: Final = 0.02
"""A speaker has about so much left when it should have asked; a busy machine is not late by it."""


class Punctuality:
    """Counts the calls of a device that came too late. Belongs to the device's thread.

    Attributes:
        late_calls: how many came more than 20 ms after the sound of the call before was over.
    """

    def __init__(self) -> None:
        self.late_calls = 0
        self._expected_s: float | None = None

    def note(self, now_s: float, duration_s: float) -> None:
        """Take note of a call that exchanges so much sound."""
        if self._expected_s is not None and now_s > self._expected_s + LATE_AFTER_S:
            self.late_calls += 1
        self._expected_s = now_s + duration_s
