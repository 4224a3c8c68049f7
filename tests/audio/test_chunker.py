from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.chunker import Chunker, ChunkSizes
from duologue.audio.samples import silence

RATES_HZ = st.sampled_from([8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
CHUNKS_MS = st.integers(5, 1000)


def test_whole_sizes_are_all_the_same() -> None:
    sizes = ChunkSizes(16_000, 20)
    assert [sizes.advance() for _ in range(5)] == [320] * 5


def test_sizes_alternate_where_a_chunk_has_no_whole_number_of_samples() -> None:
    sizes = ChunkSizes(22_050, 25)
    assert [sizes.advance() for _ in range(8)] == [551, 551, 551, 552] * 2


def test_looking_at_the_current_size_does_not_advance() -> None:
    sizes = ChunkSizes(22_050, 25)
    assert [sizes.current, sizes.current, sizes.advance()] == [551, 551, 551]


@given(RATES_HZ, CHUNKS_MS, st.integers(1, 200))
def test_the_accumulated_error_never_reaches_one_sample(
    rate_hz: int, chunk_ms: int, chunks: int
) -> None:
    sizes = ChunkSizes(rate_hz, chunk_ms)
    total = 0
    for index in range(1, chunks + 1):
        total += sizes.advance()
        assert 0 <= index * rate_hz * chunk_ms / 1000 - total < 1


@given(RATES_HZ, st.integers(5, 60), st.lists(st.integers(0, 3000), max_size=12))
def test_however_the_stream_is_split_the_chunks_are_the_same(
    rate_hz: int, chunk_ms: int, splits: list[int]
) -> None:
    stream = np.arange(sum(splits), dtype=np.int64).astype(np.int16)
    in_parts, at_once = Chunker(rate_hz, chunk_ms), Chunker(rate_hz, chunk_ms)
    bounds = np.cumsum([0, *splits])
    chunks = [
        chunk
        for start, end in itertools.pairwise(bounds)
        for chunk in in_parts.push(stream[start:end])
    ]
    expected = at_once.push(stream)
    assert [chunk.tolist() for chunk in chunks] == [chunk.tolist() for chunk in expected]
    assert sum(map(len, chunks)) + in_parts.pending == len(stream)
    assert in_parts.pending <= rate_hz * chunk_ms / 1000


def test_chunks_hold_the_stream_in_order() -> None:
    stream = np.arange(1000, dtype=np.int16)
    chunks = Chunker(16_000, 20).push(stream)
    assert np.concatenate(chunks).tolist() == list(range(960))


def test_it_tells_how_much_is_missing() -> None:
    chunker = Chunker(22_050, 25)
    assert chunker.missing == 551
    chunker.push(silence(500))
    assert chunker.missing == 51
    chunker.push(silence(3 * 551 - 500))
    assert chunker.missing == 552


@pytest.mark.parametrize("chunk_ms", [0, 4, 1001, -20])
def test_a_chunk_of_no_sensible_length_is_refused(chunk_ms: int) -> None:
    with pytest.raises(ValueError, match=f"5 to 1000 ms, not {chunk_ms} ms"):
        Chunker(16_000, chunk_ms)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive number of Hz, not 0"):
        Chunker(0, 20)
