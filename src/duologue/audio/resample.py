"""A stream of samples from one rate to another.

Quality: soxr's LQ. Measured with soxr 1.1 in steps of 20 ms, as the time by which the output is
behind the input; it comes in bursts, hence a mean and a maximum:

    from, to (Hz)              LQ mean, max (ms)    HQ mean, max (ms)
    48000, 16000 and back          11, 20               22, 37
    44100, 16000                   11, 22               23, 39
    22050, 48000                    1, 1                22, 40
    24000, 48000                   11, 20               21, 38
    48000, 8000                    22, 40               85, 155
    8000, 16000 and back           33, 61               63, 114

LQ keeps all up to 0.75 of the lower half-rate (6 kHz of the 8 that 16 kHz can hold) within 0.3 dB
and lets aliases through at -82 dB: no loss to speech. QQ has no delay, and no filter either.

soxr is given floats: from integers it makes noise of ±1 even out of digital silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr

from duologue.audio.samples import NOTHING, Samples, samples_from_floats

QUALITY = "LQ"


class Resampler:
    """Converts a stream of samples from one rate to another. Not thread-safe.

    Where the rates are equal, samples pass through as they are.
    """

    def __init__(self, from_rate_hz: int, to_rate_hz: int) -> None:
        """
        Raises:
            ValueError: a rate is below 1.
        """
        if from_rate_hz < 1 or to_rate_hz < 1:
            raise ValueError(
                "sample rates are positive numbers of Hz, "
                f"not {from_rate_hz} (from) and {to_rate_hz} (to)"
            )
        self.from_rate_hz = from_rate_hz
        self.to_rate_hz = to_rate_hz
        # Made only where it is needed: one that is still there as the program ends is written about
        # to the terminal by soxr's bindings.
        self._stream = None if from_rate_hz == to_rate_hz else _stream(from_rate_hz, to_rate_hz)
        self._has_input = False

    @property
    def held(self) -> int:
        """How many samples `flush` would return."""
        return round(self._stream.delay()) if self._stream and self._has_input else 0

    def push(self, samples: Samples) -> Samples:
        """Take samples at the first rate; return what is ready at the second, possibly nothing."""
        if self._stream is None or not len(samples):
            return samples
        self._has_input = True
        converted = self._stream.resample_chunk(samples.astype(np.float32))
        return samples_from_floats(converted)

    def flush(self) -> Samples:
        """End the stream: return its tail, and be ready for a new one.

        All that `push` and this returned since the last call lasts as long as what was put in.
        """
        if self._stream is None or not self._has_input:
            return NOTHING
        tail = self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        self.reset()
        return samples_from_floats(tail)

    def reset(self) -> None:
        """Forget the stream under way, and be ready for a new one."""
        if self._stream is not None:
            self._stream.clear()
        self._has_input = False


def _stream(from_rate_hz: int, to_rate_hz: int) -> Any:
    return soxr.ResampleStream(
        from_rate_hz, to_rate_hz, num_channels=1, dtype="float32", quality=QUALITY
    )
