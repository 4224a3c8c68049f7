from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.files.track import Track
from duologue.audio.samples import Samples
from tests.audio.signals import tone

RATE_HZ = 8000
BLOCK = 80
BLOCK_S = 0.01
BEGIN_S = 1000.0


def block(value: int = 1000) -> Samples:
    return np.full(BLOCK, value, dtype=np.int16)


def track() -> Track:
    return Track(RATE_HZ, RATE_HZ, BEGIN_S)


def sounding_ms(samples: Samples) -> list[tuple[int, int]]:
    """From when to when there is sound, in ms."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], samples != 0, [0]))))
    return [(int(begin) // 8, int(end) // 8) for begin, end in edges.reshape(-1, 2)]


def test_a_block_is_where_its_time_is() -> None:
    side = track()
    side.put(BEGIN_S + 0.5, block())
    assert side.ready == 4080
    assert sounding_ms(side.take(8000)) == [(500, 510)]


def test_blocks_that_come_in_bursts_follow_each_other() -> None:
    side = track()
    for number in range(100):
        burst_s = number // 5 * 5 * BLOCK_S
        side.put(BEGIN_S + burst_s, block())
    assert sounding_ms(side.take(8000)) == [(0, 1000)]


def test_a_thread_that_catches_up_leaves_no_gap() -> None:
    side = track()
    for number in range(100):
        held_up_s = 0.6 if 20 <= number < 80 else 0.0
        side.put(BEGIN_S + max(number * BLOCK_S, held_up_s), block())
    assert sounding_ms(side.take(8000)) == [(0, 1000)]


def test_after_a_gap_it_goes_on_at_its_time() -> None:
    side = track()
    side.put(BEGIN_S, block())
    side.put(BEGIN_S + 3, block())
    assert sounding_ms(side.take(4 * 8000)) == [(0, 10), (3000, 3010)]


def test_what_is_taken_before_it_comes_is_silent() -> None:
    side = track()
    side.put(BEGIN_S, block())
    assert sounding_ms(side.take(4000)) == [(0, 10)]
    side.put(BEGIN_S + 0.7, block())
    assert sounding_ms(side.take(8000)) == [(200, 210)]


@pytest.mark.parametrize("lateness_s", [0.2, -0.2])
def test_a_stream_that_is_beside_its_times_for_good_is_put_right(lateness_s: float) -> None:
    side = track()
    for number in range(500):
        beside_s = lateness_s if number >= 100 else 0.0
        side.put(BEGIN_S + number * BLOCK_S + beside_s, block(1000 if number < 450 else 2000))
    samples = side.take(side.ready)
    assert int(np.flatnonzero(samples == 2000)[0]) == pytest.approx(
        (4.5 + lateness_s) * 8000, abs=80
    )


def test_a_clock_that_runs_a_little_fast_is_followed() -> None:
    side = track()
    for number in range(30_000):
        side.put(BEGIN_S + number * BLOCK_S * 1.001, block())
        if number % 100 == 0:
            side.take(side.ready)
    assert side.ready / RATE_HZ == pytest.approx(300 * 1.001, abs=0.15)


def test_another_rate_is_converted_without_a_shift() -> None:
    side = Track(16_000, 48_000, BEGIN_S)
    sound = tone(500, 16_000, hz=500)
    for begin in range(0, len(sound), 160):
        side.put(BEGIN_S + begin / 16_000, sound[begin : begin + 160])
    samples = side.take(24_000).astype(float)
    expected = tone(500, 48_000, hz=500).astype(float)
    assert np.corrcoef(samples, expected)[0, 1] > 0.999


@given(
    st.lists(st.tuples(st.floats(-0.5, 3), st.integers(0, 400), st.integers(0, 4000)), max_size=30)
)
def test_whatever_comes_as_much_is_given_as_is_asked_for(
    steps: list[tuple[float, int, int]],
) -> None:
    side, time_s, taken = track(), BEGIN_S, 0
    for pause_s, size, more in steps:
        time_s += pause_s
        side.put(time_s, np.ones(size, dtype=np.int16))
        assert len(side.take(taken + more)) == more
        taken += more
