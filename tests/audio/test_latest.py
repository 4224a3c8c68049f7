from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.latest import MOST_BLOCKS, LatestSamples
from duologue.audio.samples import silence

SIZES = st.lists(st.integers(0, 300), max_size=200)


def test_at_first_there_is_nothing() -> None:
    assert LatestSamples(100).blocks == ()


def test_it_may_begin_with_something() -> None:
    latest = LatestSamples(100, (silence(100),))
    latest.push(np.ones(30, dtype=np.int16))
    assert np.concatenate(latest.blocks)[-100:].tolist() == [0] * 70 + [1] * 30


@given(st.integers(1, 500), SIZES)
def test_the_latest_samples_are_there_and_hardly_more(size: int, sizes: list[int]) -> None:
    stream = np.arange(sum(sizes), dtype=np.int16)
    latest = LatestSamples(size)
    for start, end in itertools.pairwise(itertools.accumulate(sizes, initial=0)):
        latest.push(stream[start:end])
        there = np.concatenate(latest.blocks)
        assert there.tolist() == stream[end - len(there) : end].tolist()
        assert len(there) >= min(size, end)
        assert len(there) < 2 * size + 300 or len(latest.blocks) == 1
        assert len(latest.blocks) <= MOST_BLOCKS


def test_what_was_read_stays_as_it_was() -> None:
    latest = LatestSamples(4)
    latest.push(np.array([1, 2, 3, 4], dtype=np.int16))
    before = latest.blocks
    latest.push(np.array([5, 6, 7, 8], dtype=np.int16))
    assert np.concatenate(before).tolist() == [1, 2, 3, 4]
