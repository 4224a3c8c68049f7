"""The spectrum of the sound at this moment, as a browser would show it.

The numbers are those of the Web Audio API's AnalyserNode with its default settings
(https://www.w3.org/TR/webaudio/#AnalyserNode); the range of the voice and its level are those that
ElevenLabs' JavaScript client makes of them.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from duologue.audio.latest import Blocks, LatestSamples
from duologue.audio.samples import FULL_SCALE, Samples, silence

FFT_SIZE = 2048
"""The samples of one spectrum (AnalyserNode's default)."""

BINS = FFT_SIZE // 2
"""How many frequencies a spectrum has."""

SMOOTHING = 0.8
"""The share of the last spectrum that stays in the next (AnalyserNode's default)."""

SILENT_DB, LOUD_DB = -100.0, -30.0
"""What becomes byte 0 and byte 255 (AnalyserNode's defaults)."""

VOICE_FROM_HZ, VOICE_TO_HZ = 100, 8000
"""The range of the voice, as in ElevenLabs' JavaScript client."""

Floats: TypeAlias = npt.NDArray[np.float32]


def voice_bins(sample_rate_hz: int) -> tuple[int, int]:
    """The first bin of the voice's range, and the one after its last.

    Raises:
        ValueError: sound of that rate holds nothing above 100 Hz.
    """
    if sample_rate_hz <= 2 * VOICE_FROM_HZ:
        raise ValueError(
            f"sound at {sample_rate_hz} Hz holds nothing of a voice; "
            f"expected a sample rate above {2 * VOICE_FROM_HZ} Hz"
        )
    width_hz = sample_rate_hz / FFT_SIZE
    return math.floor(VOICE_FROM_HZ / width_hz), min(math.ceil(VOICE_TO_HZ / width_hz), BINS)


class Analyser:
    """The spectrum of the latest 2048 samples. One thread pushes, any thread reads.

    It is smoothed as a browser does it: each reading keeps 0.8 of the one before, whenever that
    was, so it moves as a browser's does for those who read as often, such as 60 times a second,
    and more slowly for those who read less often. All three ways of reading read the same
    spectrum, and while nothing is pushed it stays as it is.
    """

    def __init__(self, sample_rate_hz: int, latest: LatestSamples | None = None) -> None:
        """
        Args:
            latest: where the samples are, if others keep them: `FFT_SIZE` of int16 or more. Then
                nothing is to be pushed here.

        Raises:
            ValueError: sound of that rate holds nothing of a voice: it is 200 Hz or less.
        """
        self._voice_bins = voice_bins(sample_rate_hz)
        # All blocks are of one type: that of what was pushed last.
        self._type: np.dtype[Any] = np.dtype(np.int16)
        self._latest = latest or LatestSamples(FFT_SIZE, (silence(FFT_SIZE),))
        self._reading = threading.Lock()
        self._last_read = self._latest.blocks[-1]
        self._magnitudes = np.zeros(BINS)

    def push(self, samples: Samples | Floats) -> None:
        """Take the sound that comes next. Only copies it: the work is done by those who read.

        Args:
            samples: a one-dimensional array of int16, or of float32 from -1 to 1.

        Raises:
            TypeError: it is an array of another type.
        """
        if samples.dtype != self._type:
            samples = _floats(samples)
            if samples.dtype != self._type:
                self._latest = LatestSamples(FFT_SIZE, (_floats(_window(self._latest.blocks)),))
                self._type = samples.dtype
        if len(samples):
            self._latest.push(samples.copy())

    def byte_frequency_data(self) -> bytes:
        """The spectrum from 0 Hz to half the sample rate, as `getByteFrequencyData` gives it.

        1024 bytes from low to high frequencies: 0 is -100 dB and less, 255 is -30 dB and more, of
        full scale.
        """
        return self._read().tobytes()

    def voice_range_data(self, bins: int = BINS) -> bytes:
        """The spectrum from 100 to 8000 Hz, or to half the sample rate if that is lower.

        So many bytes as `bins`, each interpolated between the two of `byte_frequency_data` next to
        it.

        Raises:
            ValueError: `bins` is below 1.
        """
        if bins < 1:
            raise ValueError(f"a spectrum has at least 1 bin, not {bins}")
        low, high, fraction = _voice_positions(*self._voice_bins, bins)
        spectrum = self._read()
        between = spectrum[low] * (1 - fraction) + spectrum[high] * fraction
        return _rounded_half_up(between).astype(np.uint8).tobytes()

    def level(self) -> float:
        """The mean of `voice_range_data`, from 0 to 1.

        It is a mean of decibels over frequencies, so noise is louder by it than a tone of the same
        power; for the root mean square see `Meters.level`.
        """
        return level_of(self.voice_range_data())

    def _read(self) -> npt.NDArray[np.uint8]:
        with self._reading:
            blocks = self._latest.blocks
            if blocks[-1] is not self._last_read:
                self._last_read = blocks[-1]
                self._magnitudes *= SMOOTHING
                self._magnitudes += (1 - SMOOTHING) * _magnitudes(_window(blocks))
            return _bytes_of(self._magnitudes)


def level_of(voice_range_data: bytes) -> float:
    """The mean of a spectrum, from 0 to 1."""
    return sum(voice_range_data) / (255 * len(voice_range_data))


@lru_cache(maxsize=16)
def _voice_positions(
    first: int, end: int, bins: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """For each of `bins`: the two of the spectrum next to it, and how far it is between them."""
    position = np.arange(bins) / bins * (end - first)
    whole = np.floor(position).astype(np.intp)
    low = first + whole
    return low, np.minimum(low + 1, end - 1), position - whole


def _blackman() -> npt.NDArray[np.float64]:
    """The window of the Web Audio API: periodic, other than numpy's."""
    turn = 2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE
    window: npt.NDArray[np.float64] = 0.42 - 0.5 * np.cos(turn) + 0.08 * np.cos(2 * turn)
    return window


_INT16_STEP = np.float32(1 / FULL_SCALE)
_WINDOW = _blackman() / FFT_SIZE


def _floats(samples: Samples | Floats) -> Floats:
    if samples.dtype not in (np.int16, np.float32):
        raise TypeError(
            "an analyser takes samples as int16, or as float32 from -1 to 1, "
            f"not as {samples.dtype}; convert them with .astype(numpy.float32)"
        )
    floats = samples.astype(np.float32, copy=False)
    return floats * _INT16_STEP if samples.dtype == np.int16 else floats


def _window(blocks: Blocks) -> npt.NDArray[Any]:
    return np.concatenate(blocks)[-FFT_SIZE:]


def _magnitudes(window: Samples | Floats) -> npt.NDArray[np.float64]:
    # What is no number would stay in the smoothed spectrum for ever.
    numbers = np.nan_to_num(_floats(window), posinf=0.0, neginf=0.0)
    magnitudes: npt.NDArray[np.float64] = np.abs(np.fft.rfft(numbers * _WINDOW)[:BINS])
    return magnitudes


def _bytes_of(magnitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    decibels = 20 * np.log10(np.maximum(magnitudes, np.finfo(np.float64).tiny))
    scaled = 255 / (LOUD_DB - SILENT_DB) * (decibels - SILENT_DB)
    return np.clip(np.floor(scaled), 0, 255).astype(np.uint8)


def _rounded_half_up(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """As JavaScript rounds, and other than numpy does."""
    return np.floor(values + 0.5)
