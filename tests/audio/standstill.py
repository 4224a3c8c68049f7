"""What devices do when a program stands still: for tests of what that does to an echo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from duologue.audio.samples import Samples, silence
from tests.audio.room import echo

TICKS_PER_SECOND = 100
BUFFERED_TICKS = 2
"""What a speaker has in hand."""

Standing = Literal["speaker", "microphone", "both", "microphone that forgets"]
"""Whose thread is not called. A microphone keeps what it hears meanwhile, or forgets it."""


@dataclass(frozen=True)
class Tick:
    """10 ms, in which each device may call several times or not at all."""

    now_s: float
    played: list[Samples]
    heard: list[Samples]


def ticks(
    speech: Samples,
    sample_rate_hz: int,
    standing: Standing,
    *,
    from_s: float,
    duration_s: float,
    delay_ms: float = 40,
) -> Iterator[Tick]:
    """A speaker plays all of a speech, a microphone hears its echo; once they stand still."""
    blocks = list(speech[: len(speech) // 160 * 160].reshape(-1, sample_rate_hz // 100))
    count = len(blocks)
    still = range(round(from_s * TICKS_PER_SECOND), round((from_s + duration_s) * TICKS_PER_SECOND))
    asked = list(_asked(blocks, still if standing in ("speaker", "both") else range(0)))
    sounding = np.concatenate(list(_sounding(asked, sample_rate_hz)))
    room = echo(sounding, sample_rate_hz, delay_ms=delay_ms).reshape(count, -1)
    waiting: list[Samples] = []
    for tick in range(count):
        waiting.append(room[tick])
        heard: list[Samples] = []
        if standing == "speaker" or tick not in still:
            heard, waiting = waiting, []
        elif standing == "microphone that forgets":
            waiting = []
        yield Tick(tick / TICKS_PER_SECOND, asked[tick], heard)


def _asked(blocks: list[Samples], still: range) -> Iterator[list[Samples]]:
    """What the speaker asks for in each tick: as much as it has played since."""
    in_hand, next_block = 0, 0
    for tick in range(len(blocks)):
        missing = 0 if tick in still else BUFFERED_TICKS - in_hand
        yield blocks[next_block : next_block + missing]
        next_block += missing
        in_hand = max(0, in_hand + missing - 1)


def _sounding(asked: list[list[Samples]], sample_rate_hz: int) -> Iterator[Samples]:
    """What it plays: silence when it has nothing in hand."""
    in_hand: list[Samples] = []
    for blocks in asked:
        in_hand.extend(blocks)
        yield in_hand.pop(0) if in_hand else silence(sample_rate_hz // TICKS_PER_SECOND)
