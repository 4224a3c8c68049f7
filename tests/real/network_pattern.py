"""What a bad network does to its packets, to a pattern that a seed decides."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Impairment:
    """How bad a network is.

    Attributes:
        loss: the share of packets that are lost, from 0 to 1.
        delay_ms: how long every packet takes.
        jitter_ms: how much longer it takes at most: each its own time, so they overtake each other.
    """

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0


PERFECT: Final = Impairment()
OUTAGE: Final = Impairment(loss=1.0)


class Lane:
    """One direction of a network. The n-th packet of a seed has the same luck every time.

    Args:
        seed: decides over all packets.

    Attributes:
        impairment: how bad it is from now on.
        passed, lost: how many packets were let through, and how many were not.
    """

    def __init__(self, seed: int) -> None:
        self.impairment = PERFECT
        self.passed = 0
        self.lost = 0
        self._random = random.Random(seed)

    def due_s(self, now_s: float) -> float | None:
        """When the next packet arrives that is sent now; None if it never does."""
        # Both are drawn for every packet: the luck of one depends on no other's.
        luck, lateness = self._random.random(), self._random.random()
        if luck < self.impairment.loss:
            self.lost += 1
            return None
        self.passed += 1
        return now_s + (self.impairment.delay_ms + lateness * self.impairment.jitter_ms) / 1000
