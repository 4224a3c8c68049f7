from __future__ import annotations

import math
import threading
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from duologue.audio.analyser import BINS, FFT_SIZE, Analyser, voice_bins, volume_of
from duologue.audio.samples import Samples, samples_from_floats, silence
from tests.audio.signals import noise, tone

RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)

SLOT_AT_48_KHZ, BIN_AT_48_KHZ = 512, 173
"""Byte 512 of 1024 is at 169 of the 338 bins from bin 4 on, so it is bin 173 and no other."""

SOUNDS = arrays.arrays(np.int16, st.integers(0, 5000))


def periodic(amplitude: float, windows: int = 24) -> Samples:
    """A sine at 48 kHz in the middle of bin 173: its spectrum is the same wherever one looks."""
    turns = BIN_AT_48_KHZ * np.arange(windows * FFT_SIZE) / FFT_SIZE
    return samples_from_floats(32768 * amplitude * np.sin(2 * np.pi * turns))


def read(samples: Samples, rate_hz: int) -> bytes:
    analyser = Analyser(rate_hz)
    analyser.push(samples)
    return analyser.byte_frequency_data()


def browser_magnitudes(window: Samples) -> npt.NDArray[np.float64]:
    """The first half of the spectrum by the definition of the Web Audio API."""
    blackman = [
        0.42 - 0.5 * math.cos(2 * math.pi * n / 2048) + 0.08 * math.cos(4 * math.pi * n / 2048)
        for n in range(2048)
    ]
    spectrum = np.fft.fft(window / 32768 * np.array(blackman)) / 2048
    return np.abs(spectrum[:1024])


def browser_bytes(magnitudes: npt.NDArray[np.float64], rate_hz: int) -> list[int]:
    """What the JavaScript client gives for a spectrum, byte for byte."""
    raw = []
    for magnitude in magnitudes.tolist():
        decibels = 20 * math.log10(magnitude) if magnitude else -math.inf
        scaled = 255 / 70 * (decibels + 100)
        raw.append(0 if scaled < 0 else min(255, math.floor(scaled)))
    width_hz = rate_hz / 2 / 1024
    first = math.floor(100 / width_hz)
    end = min(math.ceil(8000 / width_hz), 1024)
    spread = []
    for slot in range(1024):
        position = slot / 1024 * (end - first)
        low = first + math.floor(position)
        high = min(low + 1, end - 1)
        fraction = position - math.floor(position)
        spread.append(math.floor(raw[low] * (1 - fraction) + raw[high] * fraction + 0.5))
    return spread


@pytest.mark.parametrize(
    ("rate_hz", "first", "end", "count"),
    [
        (8000, 25, 1024, 999),
        (16_000, 12, 1024, 1012),
        (22_050, 9, 744, 735),
        (24_000, 8, 683, 675),
        (44_100, 4, 372, 368),
        (48_000, 4, 342, 338),
    ],
)
def test_the_range_of_the_voice_has_the_bins_that_it_has_in_a_browser(
    rate_hz: int, first: int, end: int, count: int
) -> None:
    assert voice_bins(rate_hz) == (first, end)
    assert end - first == count


@pytest.mark.parametrize("rate_hz", [0, 1, 200])
def test_a_rate_that_holds_no_voice_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=f"sound at {rate_hz} Hz holds nothing of a voice"):
        Analyser(rate_hz)


@pytest.mark.parametrize("rate_hz", [201, *RATES_HZ, 192_000])
def test_before_any_sound_and_in_silence_all_is_zero(rate_hz: int) -> None:
    analyser = Analyser(rate_hz)
    assert analyser.byte_frequency_data() == bytes(1024)
    analyser.push(silence(rate_hz))
    assert analyser.byte_frequency_data() == bytes(1024)
    assert analyser.volume() == 0.0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hz", [150, 440, 1000, 3000])
def test_a_tone_stands_where_its_frequency_is(rate_hz: int, hz: int) -> None:
    spectrum = read(tone(1000, rate_hz, hz=hz, dbfs=-40.0)[: rate_hz // 2], rate_hz)
    first, end = voice_bins(rate_hz)
    loudest_bin = first + spectrum.index(max(spectrum)) / 1024 * (end - first)
    width_hz = rate_hz / 2048
    assert loudest_bin * width_hz == pytest.approx(hz, abs=1.5 * width_hz)


@pytest.mark.parametrize(
    ("amplitude", "byte"),
    [
        # A sine has half its amplitude at its frequency, of which the window leaves 0.42.
        (1.0, 255),
        (0.1, 242),  # -33.56 dB
        (0.01, 169),
        (0.003, 131),
    ],
)
def test_a_tone_is_as_high_as_it_is_loud(amplitude: float, byte: int) -> None:
    spectrum = read(periodic(amplitude), 48_000)
    assert spectrum[SLOT_AT_48_KHZ] == pytest.approx(byte, abs=1)
    assert max(spectrum) == spectrum[SLOT_AT_48_KHZ]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@settings(deadline=None, max_examples=25)
@given(dbfs=st.floats(-90, -10), seed=st.integers(0, 1000))
def test_a_spectrum_is_what_the_javascript_client_gives(
    rate_hz: int, dbfs: float, seed: int
) -> None:
    sound = noise(1000, rate_hz, dbfs=dbfs, seed=seed)
    # After a second, nothing is left of the silence before it.
    analysed = np.frombuffer(read(sound, rate_hz), np.uint8).astype(int)
    expected = browser_bytes(browser_magnitudes(sound[-2048:]) * (1 - 0.8**60), rate_hz)
    assert np.abs(analysed - expected).max() <= 1


def test_read_60_times_a_second_it_is_smoothed_as_in_a_browser() -> None:
    sound = np.concatenate((noise(200, 48_000, dbfs=-30), tone(200, 48_000), silence(9600)))
    analyser = Analyser(48_000)
    smoothed = np.zeros(1024)
    for at in range(800, len(sound) + 1, 800):
        analyser.push(sound[at - 800 : at])
        window = np.concatenate((silence(2048), sound[:at]))[-2048:]
        smoothed = 0.8 * smoothed + 0.2 * browser_magnitudes(window)
        analysed = np.frombuffer(analyser.byte_frequency_data(), np.uint8).astype(int)
        assert np.abs(analysed - browser_bytes(smoothed, 48_000)).max() <= 1


def test_what_has_ended_falls_by_two_decibels_every_sixtieth_of_a_second() -> None:
    analyser = Analyser(48_000)
    analyser.push(periodic(0.01))
    loud = analyser.byte_frequency_data()[SLOT_AT_48_KHZ]
    analyser.push(silence(4800))
    fallen_db = (loud - analyser.byte_frequency_data()[SLOT_AT_48_KHZ]) * 70 / 255
    assert fallen_db == pytest.approx(-6 * 20 * math.log10(0.8), abs=0.6)
    analyser.push(silence(48_000))
    assert analyser.byte_frequency_data() == bytes(1024)


@given(st.lists(st.integers(FFT_SIZE, 4 * FFT_SIZE), max_size=20))
@settings(deadline=None)
def test_the_same_sound_shows_the_same_however_often_one_asks(moments: list[int]) -> None:
    sound = periodic(0.01, windows=4)
    analyser = Analyser(48_000)
    for start, end in pairwise([0, *sorted(moments), len(sound)]):
        analyser.push(sound[start:end])
        analyser.byte_frequency_data()
    often = analyser.byte_frequency_data()[SLOT_AT_48_KHZ]
    assert often == pytest.approx(read(sound, 48_000)[SLOT_AT_48_KHZ], abs=1)


def test_without_new_sound_a_reading_stays_and_is_an_object_of_its_own() -> None:
    analyser = Analyser(16_000)
    analyser.push(tone(100, 16_000))
    first, second = analyser.byte_frequency_data(), analyser.byte_frequency_data()
    assert first == second
    assert first is not second
    assert any(first)


@given(SOUNDS, st.lists(st.integers(0, 5000), max_size=8), st.sampled_from(RATES_HZ))
@settings(deadline=None)
def test_it_does_not_matter_in_which_pieces_sound_comes(
    sound: Samples, cuts: list[int], rate_hz: int
) -> None:
    analyser = Analyser(rate_hz)
    for piece in np.split(sound, sorted(min(cut, len(sound)) for cut in cuts)):
        analyser.push(piece)
    assert analyser.byte_frequency_data() == read(sound, rate_hz)


@given(SOUNDS, st.integers(201, 192_000))
@settings(deadline=None)
def test_whatever_sounds_a_reading_has_1024_bytes_and_a_volume_from_0_to_1(
    sound: Samples, rate_hz: int
) -> None:
    analyser = Analyser(rate_hz)
    analyser.push(sound)
    spectrum = analyser.byte_frequency_data()
    assert len(spectrum) == BINS == 1024
    assert analyser.volume() == volume_of(spectrum) == pytest.approx(np.mean(list(spectrum)) / 255)
    assert 0.0 <= analyser.volume() <= 1.0


def test_one_may_push_while_others_read() -> None:
    analyser = Analyser(48_000)
    sound = periodic(0.01, windows=47)
    analyser.push(sound)
    expected = analyser.byte_frequency_data()

    def push() -> None:
        for at in range(0, len(sound), 480):
            analyser.push(sound[at : at + 480])

    thread = threading.Thread(target=push)
    thread.start()
    while thread.is_alive():
        # Nothing but whole windows of a sound that looks the same everywhere: no edge is seen.
        assert abs(analyser.byte_frequency_data()[SLOT_AT_48_KHZ] - expected[SLOT_AT_48_KHZ]) <= 1
    thread.join()
