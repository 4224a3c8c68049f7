"""When the user's voice was last to be heard in what went out."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import numpy as np

from duologue.audio.samples import Samples
from duologue.audio.speech_detector import SpeechDetector

AT_ONCE_MS: Final = 250
"""So much sound is listened to at once: nobody asks more often than once a turn, and to listen to
20 ms at a time would take three times as long."""


class LastVoiced:
    """Listens to the user's sound. Thread-safe.

    Args:
        sample_rate_hz: the rate of the sound.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._lock = threading.Lock()
        self._detector = SpeechDetector(sample_rate_hz)
        # What was not listened to yet, with when it went out.
        self._waiting: list[tuple[Samples, float]] = []
        self._waiting_frames = 0
        self._at_once = AT_ONCE_MS * sample_rate_hz // 1000
        self._frames = 0
        # Where each piece ends in the stream, and when that went out, both in ms.
        self._ends: deque[tuple[float, float]] = deque()
        self._until_ms: float | None = None

    def push(self, samples: Samples, captured_ms: float) -> None:
        """Take what went out, and when its last sample had been spoken."""
        with self._lock:
            self._waiting.append((samples, captured_ms))
            self._waiting_frames += len(samples)
            if self._waiting_frames >= self._at_once:
                self._listen()

    def take_ms(self) -> float | None:
        """Until when the user's voice was to be heard; None if it was not, since this was asked."""
        with self._lock:
            self._listen()
            until_ms, self._until_ms = self._until_ms, None
        return until_ms

    def _listen(self) -> None:
        if not self._waiting:
            return
        before_ms = self._detector.last_voiced_end_ms
        waiting, self._waiting, self._waiting_frames = self._waiting, [], 0
        for samples, captured_ms in waiting:
            self._frames += len(samples)
            self._ends.append((self._frames * 1000 / self._rate_hz, captured_ms))
        self._detector.push(np.concatenate([samples for samples, _ in waiting]))
        voiced_ms = self._detector.last_voiced_end_ms
        if voiced_ms is not None and voiced_ms != before_ms:
            self._until_ms = self._went_out_at(voiced_ms)
        # What is left of the last frame is judged with what comes next.
        while len(self._ends) > 1 and self._ends[0][0] < self._detector.position_ms:
            self._ends.popleft()

    def _went_out_at(self, position_ms: float) -> float:
        for end_ms, captured_ms in self._ends:
            if end_ms >= position_ms:
                return captured_ms - (end_ms - position_ms)
        return self._ends[-1][1]
