"""The sound of one utterance, from a little before its first word on."""

from __future__ import annotations

import logging
from collections import deque

import numpy as np
import numpy.typing as npt

logger = logging.getLogger("duologue.agent.recognition")

SAMPLE_RATE_HZ = 16_000
PRE_ROLL_S = 0.5
"""Kept from before the detector hears a voice: it needs some 0.1 s, and words begin softly."""
LONGEST_PAUSE_S = 3.0
"""Silence inside an utterance beyond this is not kept: it would only cost time."""
LONGEST_S = 120.0
"""Of a longer utterance the oldest part is lost; 4 MB a call."""

Samples = npt.NDArray[np.int16]


class Utterance:
    """Collects sound at 16 kHz, and forgets what lies more than a moment before the speech."""

    def __init__(self) -> None:
        self._blocks: deque[Samples] = deque()
        self._kept = 0
        self._has_speech = False
        self._is_cut = False
        self._silence_s = 0.0

    def append(self, samples: Samples) -> None:
        """Take the next samples; they are copied."""
        if self._has_speech and self._silence_s > LONGEST_PAUSE_S:
            return
        self._blocks.append(samples.copy())
        self._kept += len(samples)
        self._limit()

    def observe(self, *, is_speaking: bool, silence_s: float) -> None:
        """Learn whether somebody speaks now, and for how long it has been silent."""
        self._has_speech = self._has_speech or is_speaking
        self._silence_s = silence_s

    def speech(self) -> Samples:
        """Return a copy of what was said so far, empty if nobody spoke."""
        if not self._has_speech or not self._blocks:
            return np.zeros(0, dtype=np.int16)
        return np.concatenate(self._blocks)

    def clear(self) -> None:
        """Begin the next utterance. The silence since the last word stays: a word may follow."""
        self._has_speech = False
        self._is_cut = False
        self._trim_to(min(PRE_ROLL_S, self._silence_s))

    def _limit(self) -> None:
        if not self._has_speech:
            self._trim_to(PRE_ROLL_S)
        elif self._kept > LONGEST_S * SAMPLE_RATE_HZ:
            if not self._is_cut:
                logger.warning("an utterance exceeds %g s; its beginning is lost", LONGEST_S)
            self._is_cut = True
            self._trim_to(LONGEST_S)

    def _trim_to(self, seconds: float) -> None:
        most = int(seconds * SAMPLE_RATE_HZ)
        while self._blocks and self._kept > most:
            excess = self._kept - most
            block = self._blocks.popleft()
            self._kept -= min(excess, len(block))
            if excess < len(block):
                self._blocks.appendleft(block[excess:])
