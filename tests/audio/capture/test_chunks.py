from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.capture.chunks import Capture
from duologue.audio.chunker import Chunker, ChunkSizes
from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, bytes_from_samples
from tests.audio.signals import tone


def push_all(capture: Capture, samples: Samples, block: int = 480) -> list[Samples]:
    return [
        chunk
        for at in range(0, len(samples), block)
        for chunk in capture.push(bytes_from_samples(samples[at : at + block]))
    ]


def test_chunks_have_the_length_and_the_rate_of_the_wire() -> None:
    chunks = push_all(Capture(48_000, 16_000, 20), tone(1000, 48_000))
    assert {len(chunk) for chunk in chunks} == {320}
    assert 48 <= len(chunks) <= 50


def test_equal_rates_lose_and_change_nothing() -> None:
    samples = tone(200, 16_000)
    chunks = push_all(Capture(16_000, 16_000, 20), samples, block=70)
    assert np.concatenate(chunks).tolist() == samples.tolist()


def test_muted_it_sends_silence_at_the_same_pace() -> None:
    capture = Capture(16_000, 16_000, 20)
    sound = push_all(capture, tone(100, 16_000))
    capture.muted = True
    muted = push_all(capture, tone(100, 16_000))
    assert len(muted) == len(sound) == 5
    assert not np.concatenate(muted).any()


def test_unmuted_it_sends_sound_again() -> None:
    capture = Capture(16_000, 16_000, 20)
    capture.muted = True
    push_all(capture, tone(100, 16_000))
    capture.muted = False
    samples = tone(100, 16_000)
    assert np.concatenate(push_all(capture, samples)).tolist() == samples.tolist()


def test_nothing_goes_out_of_what_came_while_it_was_muted() -> None:
    capture = Capture(16_000, 16_000, 20)
    loud = bytes_from_samples(tone(5, 16_000, dbfs=-6.0))
    capture.muted = True
    capture.push(loud)
    capture.muted = False
    chunks = [chunk for _ in range(7) for chunk in capture.push(loud)]
    assert [bool(chunk.any()) for chunk in chunks] == [False, True]


def test_the_level_is_that_of_what_goes_out() -> None:
    capture = Capture(16_000, 16_000, 20)
    push_all(capture, tone(200, 16_000, dbfs=-20.0)[:1600])
    assert capture.level() == pytest.approx(0.1, rel=0.01)
    capture.muted = True
    push_all(capture, tone(200, 16_000))
    assert capture.level() == 0.0


def test_the_spectrum_is_that_of_what_goes_out() -> None:
    capture = Capture(48_000, 16_000, 20)
    push_all(capture, tone(500, 48_000, hz=1000))
    spectrum = capture.voice_range_data()
    # 900 Hz of the 7,900 up to 8,000 Hz, which the half of 16,000 Hz is.
    assert spectrum.index(max(spectrum)) == pytest.approx(1024 * 900 / 7900, abs=2)


def test_muted_the_spectrum_is_zero_at_once_and_unmuted_it_is_that_of_the_sound() -> None:
    capture = Capture(16_000, 16_000, 20)
    push_all(capture, tone(200, 16_000))
    loud = max(capture.voice_range_data())
    assert loud > 0
    capture.muted = True
    assert capture.voice_range_data() == bytes(1024)
    push_all(capture, tone(2000, 16_000))
    capture.muted = False
    fallen = max(capture.voice_range_data())
    assert fallen < loud, "silence has gone out until now"
    push_all(capture, tone(200, 16_000))
    assert max(capture.voice_range_data()) > fallen


def test_it_counts_what_was_captured_muted_or_not() -> None:
    capture = Capture(16_000, 16_000, 20)
    push_all(capture, tone(130, 16_000))
    capture.muted = True
    push_all(capture, tone(70, 16_000))
    assert capture.captured_ms == 200.0


def test_a_source_may_use_its_memory_again() -> None:
    capture = Capture(16_000, 16_000, 20)
    samples = tone(20, 16_000)
    memory = bytearray(2 * 160)
    for part in np.split(samples, 2):
        memory[:] = part.astype("<i2").tobytes()
        chunks = capture.push(memoryview(memory))
    assert chunks[0].tolist() == samples.tolist()


class InFrames:
    """Gives back what it is given, in whole frames of 10 ms, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.rest = np.zeros(0, dtype=np.int16)

    @property
    def held(self) -> int:
        return len(self.rest)

    def process(self, samples: Samples) -> Samples:
        self.calls += 1
        stream = np.concatenate((self.rest, samples))
        whole = len(stream) // 160 * 160
        self.rest = stream[whole:]
        return stream[:whole]


@pytest.mark.parametrize(("chunk_ms", "calls"), [(20, 50), (10, 100), (100, 50)])
def test_as_much_is_worked_on_at_once_as_completes_a_chunk(chunk_ms: int, calls: int) -> None:
    processor = InFrames()
    capture = Capture(16_000, 16_000, chunk_ms, processor)
    samples = tone(1000, 16_000)
    chunks = push_all(capture, samples, block=80)
    assert np.concatenate(chunks).tolist() == samples.tolist()
    assert processor.calls == calls


@pytest.mark.parametrize("source_hz", [8000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("wire_hz", [16_000, 48_000])
def test_a_chunk_goes_out_with_the_block_that_completes_it(source_hz: int, wire_hz: int) -> None:
    capture = Capture(source_hz, wire_hz, 20)
    sizes = ChunkSizes(source_hz, 10)
    sound = bytes_from_samples(tone(20, source_hz))
    chunks = [len(capture.push(sound[: 2 * sizes.advance()])) for _ in range(100)]
    assert chunks == [0, 1] * 50


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 2000), min_size=5, max_size=60),
    st.sampled_from([16_000, 48_000, 44_100, 24_000, 8_000]),
    st.sampled_from([10, 20, 60]),
    st.booleans(),
)
def test_no_chunk_is_later_than_if_each_piece_were_worked_on_at_once(
    sizes: list[int], source_hz: int, chunk_ms: int, processes: bool
) -> None:
    capture = Capture(source_hz, 16_000, chunk_ms, InFrames() if processes else None)
    resampler, chunker = Resampler(source_hz, 16_000), Chunker(16_000, chunk_ms)
    resampler.prime()
    at_once = InFrames()
    for piece in np.split(tone(3000, source_hz), np.cumsum(sizes)):
        resampled = resampler.push(piece)
        expected = chunker.push(at_once.process(resampled) if processes else resampled)
        pushed = capture.push(bytes_from_samples(piece))
        assert len(pushed) == len(expected)
