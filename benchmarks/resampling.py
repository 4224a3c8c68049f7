"""How late sound comes out of our resampler, and what it costs, beside soxr's fastest filter.

    python -m benchmarks.resampling

pushes 10 ms at a time, as a device does, through both. Late is how much less has come out than has
gone in.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples

RATES_HZ = (
    (48_000, 16_000),
    (16_000, 48_000),
    (44_100, 16_000),
    (44_100, 48_000),
    (22_050, 48_000),
    (48_000, 8000),
    (8000, 48_000),
)
STEP_MS = 10
STEPS = 1000
SETTLED = 50
"""So many steps are not counted: the filters fill."""


@dataclass(frozen=True)
class Measured:
    """What pushing sound through a resampler showed.

    Attributes:
        late_ms: how late the output is, in the mean.
        latest_ms: at most.
        step_us: what one step takes, the median.
    """

    late_ms: float
    latest_ms: float
    step_us: float


def measure(from_hz: int, to_hz: int, convert: Callable[[Samples], Samples]) -> Measured:
    """Push sound through a resampler."""
    noise = np.random.default_rng(1).integers(-3000, 3000, from_hz, dtype=np.int16)
    late_ms, step_us = [], []
    pushed = given = 0
    for step in range(STEPS):
        end = (step + 1) * from_hz * STEP_MS // 1000
        block = noise[np.arange(pushed, end) % len(noise)]
        begun_s = time.perf_counter()
        given += len(convert(block))
        step_us.append((time.perf_counter() - begun_s) * 1e6)
        pushed = end
        late_ms.append(pushed * 1000 / from_hz - given * 1000 / to_hz)
    settled = late_ms[SETTLED:]
    return Measured(statistics.fmean(settled), max(settled), statistics.median(step_us))


def by_soxr(from_hz: int, to_hz: int) -> Callable[[Samples], Samples]:
    """soxr's LQ, given floats as it needs them."""
    stream = soxr.ResampleStream(from_hz, to_hz, 1, "float32", quality="LQ")
    return lambda block: np.asarray(
        np.rint(stream.resample_chunk(block.astype(np.float32))), dtype=np.int16
    )


def main() -> None:
    """Measure both at every pair of rates, and print what they showed."""
    print(f"{'from':>8}{'to Hz':>8}{'late: ours':>14}{'soxr':>16}{'a step: ours':>16}{'soxr':>9}")
    for from_hz, to_hz in RATES_HZ:
        ours = measure(from_hz, to_hz, Resampler(from_hz, to_hz).push)
        theirs = measure(from_hz, to_hz, by_soxr(from_hz, to_hz))
        print(
            f"{from_hz:8}{to_hz:8}{ours.late_ms:6.1f} ≤ {ours.latest_ms:4.1f}"
            f"{theirs.late_ms:10.1f} ≤ {theirs.latest_ms:4.1f} ms"
            f"{ours.step_us:11.0f}{theirs.step_us:9.0f} µs"
        )


if __name__ == "__main__":
    main()
