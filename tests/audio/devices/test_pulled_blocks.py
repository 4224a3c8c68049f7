from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.devices.pulled_blocks import PulledBlocks
from duologue.audio.samples import bytes_from_samples, samples_from_bytes
from tests.audio.signals import noise

SOUND = noise(1000, 16_000, dbfs=-20)
BLOCK = 160


class Source:
    """Gives a sound bit by bit, and remembers how much it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def render(self, frames: int) -> memoryview:
        begin = sum(self.asked)
        self.asked.append(frames)
        return bytes_from_samples(SOUND[begin : begin + frames])


@given(st.lists(st.integers(0, 400), max_size=30))
def test_however_it_is_asked_for_it_is_the_same_sound(sizes: list[int]) -> None:
    blocks = PulledBlocks(Source().render, BLOCK)
    given_ = [samples_from_bytes(blocks.render(size)) for size in sizes]
    assert [len(piece) for piece in given_] == sizes
    assert b"".join(piece.tobytes() for piece in given_) == SOUND[: sum(sizes)].tobytes()


@given(st.lists(st.integers(1, 400), max_size=30))
def test_no_less_than_a_block_is_asked_for_and_less_than_one_is_over(sizes: list[int]) -> None:
    source = Source()
    blocks = PulledBlocks(source.render, BLOCK)
    wanted = 0
    for size in sizes:
        blocks.render(size)
        wanted += size
        assert 0 <= sum(source.asked) - wanted < BLOCK
    assert all(asked >= BLOCK for asked in source.asked)


def test_a_block_in_two_halves_is_asked_for_once() -> None:
    source = Source()
    blocks = PulledBlocks(source.render, BLOCK)
    for _ in range(6):
        blocks.render(BLOCK // 2)
    assert source.asked == [BLOCK] * 3
