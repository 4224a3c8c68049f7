from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.playout.jitter_buffer import START_MS, StartThreshold

RATE_HZ = 16_000
BLOCK = 160
BLOCK_MS = 10
ANSWERS = 100

Pieces = list[tuple[float, int]]
"""When each was sent and how long it lasts, in ms."""


@pytest.fixture
def threshold() -> StartThreshold:
    return StartThreshold(RATE_HZ)


def test_nothing_does_not_begin(threshold: StartThreshold) -> None:
    assert not any(threshold.reached(0, BLOCK) for _ in range(100))


def test_enough_begins_at_once(threshold: StartThreshold) -> None:
    assert threshold.reached(START_MS * 16, BLOCK)


def test_a_transport_with_a_buffer_of_its_own_needs_less() -> None:
    assert StartThreshold(RATE_HZ, 30).reached(30 * 16, BLOCK)
    assert not StartThreshold(RATE_HZ, 30).reached(30 * 16 - 1, BLOCK)


def test_little_begins_after_a_while(threshold: StartThreshold) -> None:
    assert [threshold.reached(1, BLOCK) for _ in range(7)] == [*[False] * 5, True, False]


def test_every_beginning_is_waited_for_anew(threshold: StartThreshold) -> None:
    threshold.reached(1, 4 * BLOCK)
    assert not threshold.reached(0, BLOCK)  # it was interrupted
    assert [threshold.reached(1, BLOCK) for _ in range(6)] == [*[False] * 5, True]


def spoken(piece_ms: int, *, ahead_ms: int = 0) -> Pieces:
    """An answer of 6 s that is sent as it is spoken, or so much ahead of that."""
    return [(max(0, start - ahead_ms), piece_ms) for start in range(0, 6000, piece_ms)]


def played(
    pieces: Pieces, jitter_ms: float, random: np.random.Generator, start: StartThreshold | None
) -> tuple[float, int]:
    """After how many ms an answer began to be heard, and how often it ran dry."""
    delays = random.uniform(0, jitter_ms, len(pieces))
    arrivals = np.maximum.accumulate([at for at, _ in pieces] + delays)
    arrived, waiting, now_ms, underruns = 0, 0.0, 0.0, 0
    began_ms: float | None = None
    plays = False
    while arrived < len(pieces) or waiting:
        while arrived < len(pieces) and arrivals[arrived] <= now_ms:
            waiting += pieces[arrived][1]
            arrived += 1
        if not plays and waiting:
            plays = start is None or start.reached(round(waiting * 16), BLOCK)
            began_ms = now_ms if plays and began_ms is None else began_ms
        if plays:
            plays = waiting >= BLOCK_MS
            waiting = max(0.0, waiting - BLOCK_MS)
            underruns += not plays and arrived < len(pieces)
        now_ms += BLOCK_MS
    assert began_ms is not None
    return began_ms - arrivals[0], underruns


def on_average(pieces: Pieces, jitter_ms: float, *, at_once: bool) -> tuple[float, float]:
    """The mean of `played` over many answers, always the same ones."""
    random = np.random.default_rng(1)
    answers = [
        played(pieces, jitter_ms, random, None if at_once else StartThreshold(RATE_HZ))
        for _ in range(ANSWERS)
    ]
    begins_ms, underruns = np.mean(answers, axis=0)
    return float(begins_ms), float(underruns)


@pytest.mark.parametrize(
    ("pieces", "jitter_ms", "at_once", "with_threshold", "cost_ms"),
    [
        (spoken(20), 40, 0.8, 0.02, 50),
        (spoken(20), 80, 1.5, 0.6, 50),
        (spoken(20, ahead_ms=500), 80, 0.2, 0.02, 25),
        ([(0, 20), *spoken(100, ahead_ms=500)], 80, 0.2, 0.02, 20),
        (spoken(60, ahead_ms=500), 80, 0.0, 0.1, 0),
        (spoken(250, ahead_ms=250), 80, 0.0, 0.0, 0),
    ],
)
def test_jitter_is_heard_less_and_the_beginning_is_hardly_later(
    pieces: Pieces, jitter_ms: float, at_once: float, with_threshold: float, cost_ms: float
) -> None:
    begins_at_once_ms, dry_at_once = on_average(pieces, jitter_ms, at_once=True)
    begins_ms, dry = on_average(pieces, jitter_ms, at_once=False)
    assert dry_at_once >= at_once
    assert dry <= with_threshold
    assert begins_ms - begins_at_once_ms <= cost_ms
