from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, silence
from tests.audio.signals import tone

RATES_HZ = st.sampled_from([8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])


def whole(resampler: Resampler, samples: Samples, block: int = 320) -> Samples:
    parts = [resampler.push(samples[at : at + block]) for at in range(0, len(samples), block)]
    return np.concatenate((silence(0), *parts, resampler.flush()))


@settings(deadline=None)
@given(RATES_HZ, RATES_HZ, st.integers(0, 10_000), st.integers(1, 2000))
def test_output_lasts_as_long_as_input(from_hz: int, to_hz: int, frames: int, block: int) -> None:
    samples = tone(1250, from_hz)[:frames]
    converted = whole(Resampler(from_hz, to_hz), samples, block)
    assert abs(len(converted) - frames * to_hz / from_hz) <= 1
    at_once = Resampler(from_hz, to_hz)
    assert converted.tolist() == [*at_once.push(samples), *at_once.flush()]


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 16_000), (22_050, 48_000), (8000, 16_000)])
def test_a_tone_stays_the_same_tone_up_to_its_end(from_hz: int, to_hz: int) -> None:
    converted = whole(Resampler(from_hz, to_hz), tone(500, from_hz))
    expected = tone(500, to_hz)[: len(converted)]
    assert np.abs(converted[: len(expected)].astype(int) - expected).max() < 300


def test_after_a_flush_a_new_stream_is_as_the_first() -> None:
    resampler = Resampler(22_050, 16_000)
    first = whole(resampler, tone(100, 22_050))
    assert whole(resampler, tone(100, 22_050)).tolist() == first.tolist()


def test_a_reset_forgets_the_stream_under_way() -> None:
    resampler = Resampler(22_050, 16_000)
    fresh = whole(resampler, tone(100, 22_050))
    resampler.push(tone(77, 22_050, hz=1000))
    resampler.reset()
    assert resampler.held == 0
    assert whole(resampler, tone(100, 22_050)).tolist() == fresh.tolist()


@settings(deadline=None)
@given(RATES_HZ, RATES_HZ, st.lists(st.integers(0, 2000), max_size=8))
def test_what_is_held_is_what_a_flush_returns(from_hz: int, to_hz: int, blocks: list[int]) -> None:
    resampler = Resampler(from_hz, to_hz)
    for block in blocks:
        resampler.push(silence(block))
    held = resampler.held
    assert len(resampler.flush()) == held


def test_a_flush_gives_what_silence_would_have_pushed_out() -> None:
    flushed, pushed = Resampler(16_000, 48_000), Resampler(16_000, 48_000)
    flushed.push(tone(100, 16_000))
    pushed.push(tone(100, 16_000))
    tail = flushed.flush()
    assert len(tail) > 40
    assert np.abs(tail.astype(int)).max() > 100
    assert tail.tolist() == pushed.push(silence(100))[: len(tail)].tolist()


@settings(deadline=None)
@given(RATES_HZ, RATES_HZ, st.lists(st.integers(1, 2000), min_size=1, max_size=30))
def test_primed_it_gives_at_once_what_goes_in(from_hz: int, to_hz: int, blocks: list[int]) -> None:
    resampler = Resampler(from_hz, to_hz)
    resampler.push(silence(333))
    resampler.prime()
    pushed = given = 0
    for block in blocks:
        pushed += block
        given += len(resampler.push(silence(block)))
        assert 0 <= given - pushed * to_hz // from_hz <= max(1, to_hz / from_hz)


def test_primed_it_is_late_by_its_filter_alone() -> None:
    resampler = Resampler(16_000, 48_000)
    resampler.prime()
    sound = np.concatenate([resampler.push(tone(100, 16_000)), resampler.push(silence(160))])
    expected = tone(100, 48_000).astype(int)[:4000]
    errors = [np.abs(sound[lag:][:4000] - expected).max() for lag in range(200)]
    assert 125 < int(np.argmin(errors)) < 155
    assert min(errors) < 300


@pytest.mark.parametrize("hz", [1000, 6000, 6900])
def test_what_tells_an_s_from_an_f_stays(hz: int) -> None:
    converted = whole(Resampler(48_000, 16_000), tone(1000, 48_000, hz=hz))
    kept = converted[1600:-1600].std() / tone(1000, 16_000, hz=hz).std()
    assert 0.95 < kept < 1.05


def test_digital_silence_stays_silent() -> None:
    assert not whole(Resampler(48_000, 16_000), silence(48_000)).any()


def test_the_loudest_signal_is_clipped_not_wrapped() -> None:
    square = np.where(np.arange(4800) % 480 < 240, 32767, -32768).astype(np.int16)
    converted = whole(Resampler(48_000, 16_000), square)
    middle_of_a_high_half = converted[160:240][10:-10]
    assert middle_of_a_high_half.min() > 30_000
    assert converted.max() == 32767


def test_equal_rates_pass_samples_through_at_once() -> None:
    resampler = Resampler(16_000, 16_000)
    samples = tone(20, 16_000)
    assert resampler.push(samples) is samples
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "limit_ms"),
    [
        (48_000, 16_000, 3.0),
        (16_000, 48_000, 3.0),
        (44_100, 16_000, 3.0),
        (44_100, 48_000, 1.2),
        (48_000, 8000, 6.0),
        (8000, 48_000, 6.0),
    ],
)
def test_output_lags_no_more_than_documented(from_hz: int, to_hz: int, limit_ms: float) -> None:
    resampler = Resampler(from_hz, to_hz)
    lag_ms = 0.0
    block = from_hz // 50
    produced = 0
    for index in range(1, 51):
        produced += len(resampler.push(silence(block)))
        lag_ms = max(lag_ms, index * block * 1000 / from_hz - produced * 1000 / to_hz)
    assert lag_ms <= limit_ms


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not 0 \(from\) and 16000 \(to\)"):
        Resampler(0, 16_000)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(100, 48_000), (48_000, 100)])
def test_rates_too_far_apart_are_refused(from_hz: int, to_hz: int) -> None:
    with pytest.raises(ValueError, match=f"256 times .* unlike {from_hz} and {to_hz} Hz"):
        Resampler(from_hz, to_hz)
