from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.capture.pushed_blocks import PushedBlocks
from duologue.audio.samples import Samples, bytes_from_samples

PIECES = st.lists(st.integers(0, 50), min_size=1, max_size=20)


def numbered(sizes: list[int]) -> list[Samples]:
    """Pieces of a stream in which each sample is its own number."""
    samples = np.arange(sum(sizes), dtype=np.int16)
    return np.split(samples, np.cumsum(sizes)[:-1])


def test_pieces_wait_until_there_is_as_much_as_is_wanted() -> None:
    blocks = PushedBlocks()
    given_ = [len(blocks.push(bytes_from_samples(piece), 40)) for piece in numbered([10] * 8)]
    assert given_ == [0, 0, 0, 40, 0, 0, 0, 40]


@given(PIECES, st.integers(-10, 100))
def test_nothing_is_lost_or_changed(sizes: list[int], at_least: int) -> None:
    blocks = PushedBlocks()
    pushed = [blocks.push(bytes_from_samples(piece), at_least) for piece in numbered(sizes)]
    rest = blocks.push(memoryview(b""), 0)
    assert np.concatenate([*pushed, rest]).tolist() == list(range(sum(sizes)))
    assert all(len(block) == 0 or len(block) >= at_least for block in pushed)


def test_memory_may_be_used_again() -> None:
    blocks = PushedBlocks()
    memory = np.ones(10, dtype=np.int16)
    blocks.push(bytes_from_samples(memory), 20)
    memory[:] = 2
    assert blocks.push(bytes_from_samples(memory), 20).tolist() == [1] * 10 + [2] * 10


def test_half_a_sample_is_refused_whatever_waits() -> None:
    blocks = PushedBlocks()
    blocks.push(bytes_from_samples(np.ones(10, dtype=np.int16)), 100)
    with pytest.raises(ValueError, match="an even number of bytes, not 3"):
        blocks.push(memoryview(bytes(3)), 100)
