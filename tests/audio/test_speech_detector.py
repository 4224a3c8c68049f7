from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.samples import Samples, samples_from_floats, silence
from duologue.audio.speech_detector import SpeechDetector, last_voiced_frame_end_ms
from tests.audio.signals import noise, tone

RATES_HZ = [8000, 11_025, 16_000, 22_050, 44_100, 48_000]


def in_noise(samples: Samples, rate_hz: int, dbfs: float | None, seed: int = 1) -> Samples:
    if dbfs is None:
        return samples
    background = noise(len(samples) * 1000 / rate_hz, rate_hz, dbfs=dbfs, seed=seed)
    return samples_from_floats(samples.astype(float) + background)


def speech_between(start_ms: int, end_ms: int, total_ms: int, rate_hz: int) -> Samples:
    """Bursts of 180 ms with pauses of 40 ms, the last of which ends at `end_ms`."""
    track = silence(total_ms * rate_hz // 1000)
    end = end_ms
    while end > start_ms:
        start = max(start_ms, end - 180)
        burst = tone(end - start, rate_hz, hz=180, dbfs=-20)
        at = start * rate_hz // 1000
        track[at : at + len(burst)] = burst
        end -= 220
    return track


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("noise_dbfs", [None, -60.0, -50.0, -40.0])
@pytest.mark.parametrize("end_ms", [3640, 4987])
def test_the_end_of_speech_is_found_within_20_ms(
    rate_hz: int, noise_dbfs: float | None, end_ms: int
) -> None:
    samples = in_noise(speech_between(3000, end_ms, 8000, rate_hz), rate_hz, noise_dbfs)
    found_ms = last_voiced_frame_end_ms(samples, rate_hz)
    assert found_ms is not None
    assert abs(found_ms - end_ms) <= 20


@settings(deadline=None, max_examples=20)
@given(st.integers(500, 3000), st.sampled_from([None, -60.0, -50.0]), st.integers(0, 1000))
def test_the_end_is_found_wherever_it_is(end_ms: int, noise_dbfs: float | None, seed: int) -> None:
    samples = in_noise(speech_between(100, end_ms, 6000, 16_000), 16_000, noise_dbfs, seed)
    found_ms = last_voiced_frame_end_ms(samples, 16_000)
    assert found_ms is not None
    assert abs(found_ms - end_ms) <= 20


@pytest.mark.parametrize("noise_dbfs", [-60.0, -50.0])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_noise_after_digital_silence_is_no_speech(rate_hz: int, noise_dbfs: float) -> None:
    parts = (
        tone(400, rate_hz, dbfs=-20),
        silence(rate_hz),
        noise(10_000, rate_hz, dbfs=noise_dbfs),
    )
    assert last_voiced_frame_end_ms(np.concatenate(parts), rate_hz) == 400


@pytest.mark.parametrize("noise_dbfs", [-60.0, -50.0])
def test_noise_alone_is_no_speech(noise_dbfs: float) -> None:
    assert last_voiced_frame_end_ms(noise(10_000, 16_000, dbfs=noise_dbfs), 16_000) is None


def test_silence_a_constant_offset_and_nothing_are_no_speech() -> None:
    assert last_voiced_frame_end_ms(silence(16_000), 16_000) is None
    assert last_voiced_frame_end_ms(silence(16_000) + np.int16(3000), 16_000) is None
    assert last_voiced_frame_end_ms(silence(0), 16_000) is None


@pytest.mark.parametrize("click_at_ms", [1005, 1008, 1300])
def test_a_click_is_no_speech(click_at_ms: int) -> None:
    samples = np.concatenate((tone(300, 16_000, dbfs=-20), silence(32_000)))
    at = click_at_ms * 16
    samples[at : at + 160 : 2] = 20_000
    assert last_voiced_frame_end_ms(samples, 16_000) == 300


def test_a_short_burst_right_after_speech_is_its_last_sound() -> None:
    parts = (tone(300, 16_000, dbfs=-20), silence(80 * 16), tone(20, 16_000, dbfs=-30))
    samples = np.concatenate((*parts, silence(16_000)))
    assert last_voiced_frame_end_ms(samples, 16_000) == 400


def test_frames_of_10_ms_are_judged_as_they_become_complete() -> None:
    detector = SpeechDetector(16_000)
    assert detector.push(silence(150)) == []
    assert detector.push(silence(10)) == [False]
    assert detector.push(tone(40, 16_000)[80:]) == [True, True, True]
    assert detector.position_ms == 40
    assert detector.last_voiced_end_ms == 40


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 2000), max_size=30))
def test_however_the_stream_is_split_the_end_is_the_same(splits: list[int]) -> None:
    samples = in_noise(speech_between(200, 1500, 2500, 16_000), 16_000, -55.0)
    detector = SpeechDetector(16_000)
    for part in np.split(samples, np.cumsum(splits)):
        detector.push(part)
    assert detector.last_voiced_end_ms == last_voiced_frame_end_ms(samples, 16_000)


def test_speaking_lasts_through_short_pauses_and_ends_after_300_ms() -> None:
    detector = SpeechDetector(16_000)
    assert not detector.is_speaking
    detector.push(tone(200, 16_000))
    assert detector.is_speaking
    detector.push(silence(300 * 16))
    assert detector.is_speaking
    detector.push(silence(160))
    assert not detector.is_speaking


def test_a_sound_that_stays_becomes_noise() -> None:
    hum = tone(30_000, 16_000, hz=100, dbfs=-30)
    found_ms = last_voiced_frame_end_ms(hum, 16_000)
    assert found_ms is not None
    assert found_ms < 10_000
