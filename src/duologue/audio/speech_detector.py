"""Tells voiced from unvoiced sound by energy, in frames of 10 ms, and where speech ended.

It serves to measure (the end of the user's speech is where a turn's latency begins), not to take
turns. A frame is voiced if it is louder than -46 dBFS and 9 dB louder than the noise floor. The
floor follows quieter frames down at once and louder ones up slowly, so the pauses within speech
hold it down; a sound that stays steady for about ten seconds becomes noise.

A click is no speech: voiced frames count once three stand in a row (30 ms). Within 150 ms after
speech single ones count as well, for so does a final plosive sound: a closure, then a short burst.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from duologue.audio.chunker import ChunkSizes
from duologue.audio.samples import FULL_SCALE, Samples

FRAME_MS = 10
QUIETEST_SPEECH_DBFS = -46.0
"""Below ordinary speech at a badly set microphone, above a room's noise at a well set one."""
SPEECH_ABOVE_FLOOR_DB = 9.0
"""Frames of steady noise scatter by less than 3 dB around their mean, even at 8 kHz."""
LOWEST_FLOOR_DBFS = -60.0
"""Where the floor starts and what it never goes below, so digital silence does not deceive it."""
FLOOR_RISE_DB_PER_S = 4.0


def _power(dbfs: float) -> float:
    return FULL_SCALE**2 * _ratio(dbfs)


def _ratio(decibels: float) -> float:
    return float(10.0 ** (decibels / 10))


# The same as powers of samples: a logarithm for each frame would only take time.
QUIETEST_SPEECH = _power(QUIETEST_SPEECH_DBFS)
SPEECH_ABOVE_FLOOR = _ratio(SPEECH_ABOVE_FLOOR_DB)
LOWEST_FLOOR = _power(LOWEST_FLOOR_DBFS)
FLOOR_RISE = _ratio(FLOOR_RISE_DB_PER_S * FRAME_MS / 1000)

MIN_RUN_FRAMES = 3
"""A click that is shorter than 10 ms can touch two frames, never three."""
PLOSIVE_GAP_MS = 150
"""The closure before a final plosive lasts some 50 to 120 ms."""
SPEAKING_GAP_MS = 300
"""Pauses up to this long are part of speaking."""


class SpeechDetector:
    """Follows one stream of samples. Not thread-safe."""

    def __init__(self, sample_rate_hz: int) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        self._sizes = ChunkSizes(sample_rate_hz, FRAME_MS)
        self._rest = np.zeros(0)
        self._ones = np.ones(-(-sample_rate_hz * FRAME_MS // 1000))
        self._frames = 0
        self._floor = LOWEST_FLOOR
        self._run_frames = 0
        self._last_voiced_frame: int | None = None

    def push(self, samples: Samples) -> list[bool]:
        """Take any number of samples; tell of each 10 ms frame now complete if it is voiced."""
        # All at once, and without int16 frames between: numpy's calls are what takes time here.
        values = samples.astype(np.float64)
        if len(self._rest):
            values = np.concatenate((self._rest, values))
        powers, taken = self._powers(values)
        self._rest = values[taken:]
        return [self._judge(power) for power in powers]

    @property
    def position_ms(self) -> int:
        """How much of the stream has been judged."""
        return self._frames * FRAME_MS

    @property
    def last_voiced_end_ms(self) -> int | None:
        """Where in the stream the last voiced frame that counts as speech ended; None before any.

        Known once the third frame of a run is complete; then it is exact to one frame.
        """
        if self._last_voiced_frame is None:
            return None
        return self._last_voiced_frame * FRAME_MS

    @property
    def is_speaking(self) -> bool:
        """Whether speech was heard within the last 300 ms."""
        end_ms = self.last_voiced_end_ms
        return end_ms is not None and self.position_ms - end_ms <= SPEAKING_GAP_MS

    def _judge(self, power: float) -> bool:
        self._frames += 1
        floor = self._floor
        is_voiced = power > QUIETEST_SPEECH and power > floor * SPEECH_ABOVE_FLOOR
        if power < LOWEST_FLOOR:
            self._floor = LOWEST_FLOOR
        else:
            self._floor = min(power, floor * FLOOR_RISE)
        if is_voiced:
            self._run_frames += 1
            self._count_run()
        else:
            self._run_frames = 0
        return is_voiced

    def _powers(self, values: npt.NDArray[np.float64]) -> tuple[list[float], int]:
        """The power of each whole frame, and how many values these take.

        Its own mean is taken off each: a constant offset is no sound.
        """
        if self._sizes.alternate:
            return self._powers_one_by_one(values)
        size = self._sizes.current
        frames = values[: len(values) - len(values) % size].reshape(-1, size)
        means = frames.dot(self._ones[:size]) / size
        powers: list[float] = (np.einsum("ij,ij->i", frames, frames) / size - means**2).tolist()
        return powers, frames.size

    def _powers_one_by_one(self, values: npt.NDArray[np.float64]) -> tuple[list[float], int]:
        powers: list[float] = []
        start = 0
        while (end := start + self._sizes.current) <= len(values):
            size = self._sizes.advance()
            frame = values[start:end]
            # numpy's own `std` takes eight times as long, and `sum` twice.
            mean = float(frame.dot(self._ones[:size])) / size
            powers.append(float(frame.dot(frame)) / size - mean * mean)
            start = end
        return powers, start

    def _count_run(self) -> None:
        run_start_ms = (self._frames - self._run_frames) * FRAME_MS
        end_ms = self.last_voiced_end_ms
        follows_speech = end_ms is not None and run_start_ms - end_ms <= PLOSIVE_GAP_MS
        if follows_speech or self._run_frames >= MIN_RUN_FRAMES:
            self._last_voiced_frame = self._frames


def last_voiced_frame_end_ms(samples: Samples, sample_rate_hz: int) -> int | None:
    """Where speech ends in a whole recording: see `SpeechDetector.last_voiced_end_ms`."""
    detector = SpeechDetector(sample_rate_hz)
    detector.push(samples)
    return detector.last_voiced_end_ms
