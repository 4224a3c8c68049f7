"""The spectrum of the sound at this moment, as a browser would show it.

The numbers are those of the Web Audio API's AnalyserNode with its default settings
(https://www.w3.org/TR/webaudio/#AnalyserNode) and, after it, of ElevenLabs' JavaScript client,
which spreads the range of the voice over as many bytes as there are bins.
"""

from __future__ import annotations

import math
import threading

import numpy as np
import numpy.typing as npt

from duologue.audio.samples import FULL_SCALE, Samples, silence

FFT_SIZE = 2048
"""The samples of one spectrum (AnalyserNode's default)."""

BINS = FFT_SIZE // 2
"""How many frequencies a spectrum has, and how many bytes a reading."""

SMOOTHING = 0.8
"""The share of the last spectrum that stays in the next (AnalyserNode's default)."""

STEPS_PER_SECOND = 60
"""How often a page reads that draws with every frame of the screen."""

SILENT_DB, LOUD_DB = -100.0, -30.0
"""What becomes byte 0 and byte 255 (AnalyserNode's defaults)."""

VOICE_FROM_HZ, VOICE_TO_HZ = 100, 8000
"""The range of the voice, as in ElevenLabs' JavaScript client."""


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

    A spectrum is smoothed over time: by 0.8 for each 1/60 s of sound since the reading before. The
    Web Audio API smooths by 0.8 with each reading instead, whenever that comes, so the same sound
    shows differently to those who ask often and those who ask seldom. Here it does not, however
    many ask, and at 60 readings a second the two are the same. Time is counted in samples: while
    none come, readings stay as they are.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is 200 or less.
        """
        self._samples_per_step = sample_rate_hz / STEPS_PER_SECOND
        self._voice = _VoiceRange(*voice_bins(sample_rate_hz))
        # The latest samples, and how many there have been in all.
        self._pushed: tuple[Samples, int] = (silence(FFT_SIZE), 0)
        self._reading = threading.Lock()
        self._read_until = 0
        self._magnitudes = np.zeros(BINS)

    def push(self, samples: Samples) -> None:
        """Take the sound that comes next. Only copies it: the work is done by those who read."""
        window, count = self._pushed
        # One assignment of new values: a reader sees all of them or none.
        self._pushed = (
            np.concatenate((window, samples))[-FFT_SIZE:],
            count + len(samples),
        )

    def byte_frequency_data(self) -> bytes:
        """The spectrum from 100 to 8000 Hz, or to half the sample rate if that is lower.

        1024 bytes from low to high frequencies: 0 is -100 dB and less, 255 is -30 dB and more, of
        full scale. Each is interpolated between the two bins of the spectrum next to it.
        """
        with self._reading:
            window, count = self._pushed
            kept = SMOOTHING ** ((count - self._read_until) / self._samples_per_step)
            if count > self._read_until:
                self._magnitudes = kept * self._magnitudes + (1 - kept) * _magnitudes(window)
                self._read_until = count
            return self._voice.spread(_bytes_of(self._magnitudes))

    def volume(self) -> float:
        """The mean of `byte_frequency_data`, from 0 to 1.

        It is a mean of decibels over frequencies, so noise is louder by it than a tone of the same
        power; for the root mean square see `LevelMeter`.
        """
        return volume_of(self.byte_frequency_data())


def volume_of(byte_frequency_data: bytes) -> float:
    """The mean of a spectrum, from 0 to 1."""
    return sum(byte_frequency_data) / (255 * len(byte_frequency_data))


class _VoiceRange:
    """Spreads the bins from `first` to `end` over 1024 bytes, as the JavaScript client does."""

    def __init__(self, first: int, end: int) -> None:
        position = np.arange(BINS) / BINS * (end - first)
        whole = np.floor(position).astype(np.intp)
        self._low = first + whole
        self._high = np.minimum(self._low + 1, end - 1)
        self._fraction = position - whole

    def spread(self, spectrum: npt.NDArray[np.float64]) -> bytes:
        between = spectrum[self._low] * (1 - self._fraction) + spectrum[self._high] * self._fraction
        return _rounded_half_up(between).astype(np.uint8).tobytes()


def _blackman() -> npt.NDArray[np.float64]:
    """The window of the Web Audio API: periodic, other than numpy's."""
    turn = 2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE
    window: npt.NDArray[np.float64] = 0.42 - 0.5 * np.cos(turn) + 0.08 * np.cos(2 * turn)
    return window


_WINDOW = _blackman() / (FULL_SCALE * FFT_SIZE)


def _magnitudes(samples: Samples) -> npt.NDArray[np.float64]:
    magnitudes: npt.NDArray[np.float64] = np.abs(np.fft.rfft(samples * _WINDOW)[:BINS])
    return magnitudes


def _bytes_of(magnitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Whole numbers from 0 to 255, as floats."""
    decibels = 20 * np.log10(np.maximum(magnitudes, np.finfo(np.float64).tiny))
    scaled = 255 / (LOUD_DB - SILENT_DB) * (decibels - SILENT_DB)
    return np.clip(np.floor(scaled), 0, 255)


def _rounded_half_up(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """As JavaScript rounds, and other than numpy does."""
    return np.floor(values + 0.5)
