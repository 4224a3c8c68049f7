"""Recordings of virtual devices that know when each of their samples was heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from duologue.audio.samples import Samples, samples_from_bytes, silence
from tests.real.pulseaudio import PulseAudio

RATE_HZ = 48_000
"""The devices' own."""

_READ_BYTES = 480 * 2


@dataclass(frozen=True)
class Found:
    """Where a known sound was found in a recording.

    Attributes:
        at_s: when its first sample was heard, on the monotonic clock.
        power: the mean square of what was heard while it lasted.
    """

    at_s: float
    power: float


class Listening:
    """What was heard of a source up to now. Times are those of the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.is_over = False
        self._blocks: list[Samples] = []
        self._frames = 0
        self._began_s = float("inf")

    def read(self, stream: IO[bytes]) -> None:
        """Listen until `is_over`, or the stream ends."""
        while not self.is_over and (data := stream.read(_READ_BYTES)):
            self._blocks.append(samples_from_bytes(data))
            self._frames += len(data) // 2
            # Blocks may come late but never early: the earliest tells when the recording began.
            self._began_s = min(self._began_s, time.monotonic() - self._frames / RATE_HZ)

    @property
    def samples(self) -> Samples:
        """All that was heard."""
        return np.concatenate((silence(0), *self._blocks))

    def find(self, sound: Samples) -> Found:
        """Look for a sound of 48 kHz, be it weaker, or with others on top of it."""
        heard = self.samples.astype(np.float64)
        size = 1 << (len(heard) + len(sound)).bit_length()
        likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sound, size)))
        start = int(np.abs(likeness[: len(heard)]).argmax())
        return Found(
            self._began_s + start / RATE_HZ,
            float(np.mean(np.square(heard[start : start + len(sound)]))),
        )

    def last_audible_s(self, above: int) -> float:
        """When the last sample of a greater magnitude was heard."""
        audible = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > above)
        return self._began_s + float(audible[-1]) / RATE_HZ


@contextmanager
def listening(server: PulseAudio, source: str) -> Iterator[Listening]:
    """Record a source while the context lasts; afterwards the recording is complete."""
    heard = Listening()
    with server.recording(source, RATE_HZ) as stream:
        reader = threading.Thread(target=heard.read, args=(stream,))
        reader.start()
        try:
            yield heard
        finally:
            heard.is_over = True
            reader.join()
