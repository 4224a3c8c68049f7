from __future__ import annotations

import math
import threading

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from duologue.audio.analyser import BINS, FFT_SIZE, Analyser, level_of, voice_bins
from duologue.audio.samples import Samples, samples_from_floats, silence
from tests.audio.signals import noise, tone

RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)

BIN = 173
"""A bin of the spectrum, anywhere."""

ALL_BUT_NOTHING_REMEMBERED = 60
"""After so many readings a millionth is left of what was before."""

SOUNDS = arrays.arrays(np.int16, st.integers(0, 5000))


def periodic(amplitude: float, windows: int = 1) -> Samples:
    """A sine in the middle of `BIN`: its spectrum is the same wherever one looks."""
    turns = BIN * np.arange(windows * FFT_SIZE) / FFT_SIZE
    return samples_from_floats(32768 * amplitude * np.sin(2 * np.pi * turns))


def settled(samples: Samples, rate_hz: int) -> Analyser:
    """An analyser that has read these samples until nothing is left of the silence before."""
    analyser = Analyser(rate_hz)
    for _ in range(ALL_BUT_NOTHING_REMEMBERED):
        analyser.push(samples)
        analyser.byte_frequency_data()
    return analyser


def browser_magnitudes(window: Samples) -> npt.NDArray[np.float64]:
    """The first half of the spectrum by the definition of the Web Audio API."""
    blackman = [
        0.42 - 0.5 * math.cos(2 * math.pi * n / 2048) + 0.08 * math.cos(4 * math.pi * n / 2048)
        for n in range(2048)
    ]
    spectrum = np.fft.fft(window / 32768 * np.array(blackman)) / 2048
    return np.abs(spectrum[:1024])


def browser_bytes(magnitudes: npt.NDArray[np.float64]) -> list[int]:
    """What `getByteFrequencyData` gives for a spectrum."""
    raw = []
    for magnitude in magnitudes.tolist():
        decibels = 20 * math.log10(magnitude) if magnitude else -math.inf
        scaled = 255 / 70 * (decibels + 100)
        raw.append(0 if scaled < 0 else min(255, math.floor(scaled)))
    return raw


def javascript_voice_range(raw: bytes, rate_hz: int, length: int) -> list[int]:
    """What the JavaScript client makes of that, byte for byte."""
    width_hz = rate_hz / 2 / 1024
    first = math.floor(100 / width_hz)
    end = min(math.ceil(8000 / width_hz), 1024)
    spread = []
    for slot in range(length):
        position = slot / length * (end - first)
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
    assert analyser.voice_range_data(7) == bytes(7)
    assert analyser.level() == 0.0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hz", [150, 440, 1000, 3000])
def test_a_tone_stands_where_its_frequency_is(rate_hz: int, hz: int) -> None:
    analyser = Analyser(rate_hz)
    analyser.push(tone(1000, rate_hz, hz=hz, dbfs=-40.0)[: rate_hz // 2])
    width_hz = rate_hz / 2048
    spectrum = analyser.byte_frequency_data()
    assert spectrum.index(max(spectrum)) * width_hz == pytest.approx(hz, abs=width_hz)
    first, end = voice_bins(rate_hz)
    voice = analyser.voice_range_data(1024)
    loudest_bin = first + voice.index(max(voice)) / 1024 * (end - first)
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
    spectrum = settled(periodic(amplitude), 48_000).byte_frequency_data()
    assert spectrum[BIN] == pytest.approx(byte, abs=1)
    assert max(spectrum) == spectrum[BIN]


@settings(deadline=None, max_examples=100)
@given(dbfs=st.floats(-90, -10), seed=st.integers(0, 1000))
def test_a_spectrum_is_what_a_browser_gives(dbfs: float, seed: int) -> None:
    sound = noise(50, 48_000, dbfs=dbfs, seed=seed)
    analysed = np.frombuffer(settled(sound, 48_000).byte_frequency_data(), np.uint8).astype(int)
    assert np.abs(analysed - browser_bytes(browser_magnitudes(sound[-2048:]))).max() <= 1


def test_each_reading_keeps_four_fifths_of_the_one_before_whenever_that_was() -> None:
    sound = np.concatenate((noise(200, 48_000, dbfs=-30), tone(200, 48_000), silence(9600)))
    analyser = Analyser(48_000)
    smoothed = np.zeros(1024)
    read_until = 0
    for at in (7, 480, 800, 900, 5000, 5128, 10_000, *range(11_000, len(sound), 800)):
        analyser.push(sound[read_until:at])
        read_until = at
        window = np.concatenate((silence(2048), sound[:at]))[-2048:]
        smoothed = 0.8 * smoothed + 0.2 * browser_magnitudes(window)
        analysed = np.frombuffer(analyser.byte_frequency_data(), np.uint8).astype(int)
        assert np.abs(analysed - browser_bytes(smoothed)).max() <= 1


def test_what_has_ended_falls_by_two_decibels_with_every_reading() -> None:
    analyser = settled(periodic(0.01), 48_000)
    loud = analyser.byte_frequency_data()[BIN]
    for _ in range(6):
        analyser.push(silence(FFT_SIZE))
        fallen = analyser.byte_frequency_data()[BIN]
    assert (loud - fallen) * 70 / 255 == pytest.approx(-6 * 20 * math.log10(0.8), abs=0.6)


def test_all_ways_of_reading_read_the_same_until_something_new_is_pushed() -> None:
    analyser = Analyser(16_000)
    analyser.push(tone(100, 16_000))
    level = analyser.level()
    spectrum = analyser.byte_frequency_data()
    voice = analyser.voice_range_data(1024)
    analyser.push(silence(0))
    assert (level, spectrum, voice) == (
        analyser.level(),
        analyser.byte_frequency_data(),
        analyser.voice_range_data(1024),
    )
    assert 0.0 < level == level_of(voice)
    assert level == pytest.approx(np.mean(list(voice)) / 255)
    analyser.push(tone(100, 16_000))
    assert analyser.level() > level


@pytest.mark.parametrize("bins", [1, 2, 16, 100, 1024, 1500, 5000])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_range_of_the_voice_is_that_of_the_javascript_client(rate_hz: int, bins: int) -> None:
    analyser = Analyser(rate_hz)
    analyser.push(noise(200, rate_hz, dbfs=-30))
    raw = analyser.byte_frequency_data()
    assert list(analyser.voice_range_data(bins)) == javascript_voice_range(raw, rate_hz, bins)


@pytest.mark.parametrize("bins", [0, -1])
def test_a_range_without_bins_is_refused(bins: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1 bin, not {bins}"):
        Analyser(16_000).voice_range_data(bins)


@given(SOUNDS)
def test_floats_from_minus_1_to_1_are_the_same_sound(sound: Samples) -> None:
    whole, floating = Analyser(16_000), Analyser(16_000)
    whole.push(sound)
    floating.push((sound / 32768).astype(np.float32))
    assert whole.byte_frequency_data() == floating.byte_frequency_data()


def test_samples_of_another_type_are_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"not as float64; convert them with \.astype"):
        Analyser(16_000).push(np.zeros(10))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_floats_that_are_no_numbers_are_forgotten_when_they_have_passed(value: float) -> None:
    analyser = Analyser(48_000)
    analyser.push(np.array([value], np.float32))
    assert analyser.byte_frequency_data() == bytes(1024)
    for _ in range(ALL_BUT_NOTHING_REMEMBERED):
        analyser.push(periodic(0.01))
        spectrum = analyser.byte_frequency_data()
    assert spectrum == settled(periodic(0.01), 48_000).byte_frequency_data()


@given(SOUNDS, st.lists(st.integers(0, 5000), max_size=8), st.sampled_from(RATES_HZ))
@settings(deadline=None)
def test_it_does_not_matter_in_which_pieces_sound_comes(
    sound: Samples, cuts: list[int], rate_hz: int
) -> None:
    whole, pieces = Analyser(rate_hz), Analyser(rate_hz)
    whole.push(sound)
    for piece in np.split(sound, sorted(min(cut, len(sound)) for cut in cuts)):
        pieces.push(piece)
    assert pieces.byte_frequency_data() == whole.byte_frequency_data()


@given(SOUNDS, st.integers(201, 192_000), st.integers(1, 3000))
@settings(deadline=None)
def test_whatever_sounds_a_reading_has_its_size_and_a_level_from_0_to_1(
    sound: Samples, rate_hz: int, bins: int
) -> None:
    analyser = Analyser(rate_hz)
    analyser.push(sound)
    assert len(analyser.byte_frequency_data()) == BINS == 1024
    assert len(analyser.voice_range_data(bins)) == bins
    assert 0.0 <= analyser.level() <= 1.0


def test_what_was_pushed_may_change_afterwards() -> None:
    sound = periodic(0.01)
    analyser = Analyser(48_000)
    analyser.push(sound)
    sound[:] = 0
    assert analyser.byte_frequency_data()[BIN] > 0


def test_one_may_push_while_others_read() -> None:
    sound = periodic(0.01, windows=48)
    analyser = settled(sound, 48_000)
    expected = analyser.byte_frequency_data()[BIN]

    def push() -> None:
        for at in range(0, len(sound), 480):
            analyser.push(sound[at : at + 480])

    thread = threading.Thread(target=push)
    thread.start()
    while thread.is_alive():
        # Nothing but whole windows of a sound that looks the same everywhere: no edge is seen.
        spectrum = analyser.byte_frequency_data()
        assert abs(spectrum[BIN] - expected) <= 1
        assert not any(spectrum[: BIN - 20])
    thread.join()
