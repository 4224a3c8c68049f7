"""A stream of samples from one rate to another.

By libsamplerate's `sinc_medium`, for what it keeps and for its delay, which is short and always the
same. In steps of 10 ms the output is behind the input by so much (samplerate 0.2.4), where
`sinc_fastest` is behind by less, and soxr's LQ, which makes its output in bursts, by so much in the
mean and at most (soxr 1.1):

    from, to (Hz)             sinc_medium (ms)    sinc_fastest (ms)    LQ mean, max (ms)
    48000, 16000 and back            2.9                 1.2                11, 20
    44100, 16000                     2.9                 1.2                12, 22
    44100, 48000                     1.1                 0.4                0.5, 0.5
    48000, 8000 and back             5.6, 5.9            2.4, 2.5           22 and 32, 40 and 60

All up to 0.87 of the lower half-rate stays within 0.3 dB (7 kHz of the 8 that 16 kHz can hold),
with the other two up to 0.75. That is worth its 1.7 ms: there an S differs from an F. Of the words
of 180 sentences Whisper's smallest model takes 9.7 % for others after `sinc_medium`, 10.5 after
`sinc_fastest` (`python -m benchmarks.resampled_words`). Aliases are at -118 dB and below. From 48
to 16 kHz and back 10 ms of sound cost 0.06 ms (`python -m benchmarks.resampling`).
"""

from __future__ import annotations

import numpy as np
import samplerate

from duologue.audio.samples import NOTHING, Samples, samples_from_floats, silence

QUALITY = "sinc_medium"
MOST_RATIO = 256
"""libsamplerate's own limit."""

_SILENCE = silence(64)
_SAMPLE = silence(1)


class Resampler:
    """Converts a stream of samples from one rate to another. Not thread-safe.

    Where the rates are equal, samples pass through as they are.
    """

    def __init__(self, from_rate_hz: int, to_rate_hz: int) -> None:
        """
        Raises:
            ValueError: a rate is below 1, or one is more than 256 times the other.
        """
        if from_rate_hz < 1 or to_rate_hz < 1:
            raise ValueError(
                "sample rates are positive numbers of Hz, "
                f"not {from_rate_hz} (from) and {to_rate_hz} (to)"
            )
        if max(from_rate_hz, to_rate_hz) > MOST_RATIO * min(from_rate_hz, to_rate_hz):
            raise ValueError(
                f"one sample rate may be {MOST_RATIO} times the other at most, unlike "
                f"{from_rate_hz} and {to_rate_hz} Hz"
            )
        self.from_rate_hz = from_rate_hz
        self.to_rate_hz = to_rate_hz
        self._ratio = to_rate_hz / from_rate_hz
        self._stream = None if from_rate_hz == to_rate_hz else samplerate.Resampler(QUALITY)
        self._pushed = self._given = 0

    @property
    def held(self) -> int:
        """How many samples `flush` would return."""
        return max(0, round(self._pushed * self._ratio) - self._given)

    def push(self, samples: Samples) -> Samples:
        """Take samples at the first rate; return what is ready at the second, possibly nothing."""
        if self._stream is None or not len(samples):
            return samples
        self._pushed += len(samples)
        return self._convert(samples)

    def prime(self) -> None:
        """Let as much silence go before a new stream as the filter waits for.

        From then on as much comes out as goes in, at once. Live sound that is cut into chunks needs
        it: else the end of each chunk would come out with the next block. What is then in the
        filter is never given, not even by `flush`.
        """
        if self._stream is None:
            return
        self.reset()
        while not len(self._convert(_SAMPLE)):
            pass
        self._convert(_SAMPLE)  # one more, against rounding
        self._given = 0

    def flush(self) -> Samples:
        """End the stream: return its tail, and be ready for a new one.

        All that `push` and this returned since the last call lasts as long as what was put in.
        """
        if self._stream is None or not self._pushed:
            return NOTHING
        missing = self.held
        # Silence pushes it out. Told that its input has ended, the binding gives nothing of it.
        tail = NOTHING
        while len(tail) < missing:
            tail = np.concatenate((tail, self._convert(_SILENCE)))
        self.reset()
        return tail[:missing]

    def reset(self) -> None:
        """Forget the stream under way, and be ready for a new one."""
        if self._stream is not None:
            self._stream.reset()
        self._pushed = self._given = 0

    def _convert(self, samples: Samples) -> Samples:
        assert self._stream is not None
        converted = self._stream.process(samples.astype(np.float32), self._ratio)
        self._given += len(converted)
        return samples_from_floats(converted)
