"""What the measurements of live sound share: a sound server, and an ear with a clock beside it."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from duologue.audio.samples import Samples, samples_from_bytes
from tests.audio.signals import noise
from tests.real.pulseaudio import MICROPHONE, SPEAKER, PulseAudio, running_pulseaudio

DEVICE_RATE_HZ = 48_000

EARLIEST_SHARE = 0.05
"""So many of the blocks came without any delay; the others waited for somebody."""


class TimedRecording:
    """What a source gives, and when: sample k was there at `begin_s + k / DEVICE_RATE_HZ`.

    Blocks arrive in bursts, some late. What counts is the line under them: the last sample of the
    blocks that came earliest had just been made.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        # An end of its own: the stream is closed before all that it holds has been read.
        self._pipe = os.dup(stream.fileno())
        self._blocks: list[bytes] = []
        self._ends: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait until nothing more comes: for the end of what writes it."""
        self._thread.join(timeout=5)

    @property
    def samples(self) -> Samples:
        """All that has come."""
        return samples_from_bytes(b"".join(self._blocks))

    @property
    def begin_s(self) -> float:
        """The time of the first sample."""
        lines = [arrived_s - end / DEVICE_RATE_HZ for arrived_s, end in self._ends]
        return float(np.quantile(lines, EARLIEST_SHARE))

    def time_of(self, sample: float) -> float:
        """When a sample was there, in seconds of the monotonic clock."""
        return self.begin_s + sample / DEVICE_RATE_HZ

    def _read(self) -> None:
        end = 0
        while block := os.read(self._pipe, 65536):
            end += len(block) // 2
            self._ends.append((time.monotonic(), end))
            self._blocks.append(block)
        os.close(self._pipe)


@contextmanager
def recording(server: PulseAudio, source: str) -> Iterator[TimedRecording]:
    """Record from a source while the context lasts."""
    with server.recording(source, DEVICE_RATE_HZ) as stream:
        recorded = TimedRecording(stream)
        yield recorded
    recorded.close()


@contextmanager
def virtual_devices() -> Iterator[PulseAudio]:
    """A microphone and a speaker, which are the defaults of this process until the context ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_pulseaudio(Path(folder)) as server,
    ):
        choose_defaults(server)
        os.environ["XDG_RUNTIME_DIR"] = server.environment["XDG_RUNTIME_DIR"]
        yield server


def choose_defaults(server: PulseAudio) -> None:
    """Let the first microphone and the first speaker be the system's defaults."""
    server.pactl("set-default-sink", SPEAKER)
    server.pactl("set-default-source", MICROPHONE)


def syllables(duration_s: float) -> Samples:
    """Noise that comes and goes as syllables do, so that no suppression takes it for noise."""
    random = np.random.default_rng(1)
    sounds = [
        noise(float(random.integers(60, 250)), DEVICE_RATE_HZ, dbfs=dbfs, seed=seed)
        for seed, dbfs in enumerate((-20.0, -70.0) * math.ceil(duration_s * 4))
    ]
    return np.concatenate(sounds)


def resampled(samples: Samples, to_rate_hz: int) -> npt.NDArray[np.float64]:
    """The same sound at a lower rate, without any delay."""
    count = len(samples) * to_rate_hz // DEVICE_RATE_HZ
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    return np.fft.irfft(spectrum, count) * (count / len(samples))


def delay_of(later: npt.NDArray[np.float64], earlier: npt.NDArray[np.float64]) -> int:
    """By how many samples one sound is behind the other that it is made of.

    Raises:
        AssertionError: they have nothing in common.
    """
    size = len(later) + len(earlier)
    likeness = np.fft.irfft(np.fft.rfft(later, size) * np.conj(np.fft.rfft(earlier, size)), size)
    peak = int(np.abs(likeness).argmax())
    assert abs(likeness[peak]) > 10 * np.abs(likeness).std(), "the sound never came through"
    return peak if peak < len(later) else peak - size
