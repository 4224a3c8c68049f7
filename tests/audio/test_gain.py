from __future__ import annotations

import numpy as np

from duologue.audio.gain import RampedGain
from duologue.audio.samples import Samples, silence

RATE_HZ = 16_000


def flat(frames: int) -> Samples:
    return np.full(frames, 10_000, dtype=np.int16)


def test_at_full_volume_samples_pass_as_they_are() -> None:
    samples = flat(320)
    assert RampedGain(RATE_HZ).apply(samples) is samples


def test_from_full_to_silent_it_takes_10_ms_without_a_jump() -> None:
    gain = RampedGain(RATE_HZ)
    gain.target = 0.0
    faded = gain.apply(flat(640))
    assert np.abs(np.diff(faded.astype(int), prepend=10_000)).max() <= 63
    assert faded[158] > 0
    assert not faded[160:].any()


def test_a_ramp_goes_on_from_block_to_block() -> None:
    in_parts, at_once = RampedGain(RATE_HZ), RampedGain(RATE_HZ)
    in_parts.target = at_once.target = 0.25
    blocks = [in_parts.apply(flat(100)) for _ in range(5)]
    difference = np.concatenate(blocks).astype(int) - at_once.apply(flat(500))
    assert np.abs(difference).max() <= 1
    assert blocks[-1][-1] == 2500


def test_it_rises_again() -> None:
    gain = RampedGain(RATE_HZ)
    gain.target = 0.0
    gain.apply(flat(320))
    gain.target = 1.0
    assert gain.apply(flat(640))[-1] == 10_000


def test_no_samples_change_nothing() -> None:
    gain = RampedGain(RATE_HZ)
    gain.target = 0.0
    assert len(gain.apply(silence(0))) == 0
    assert gain.apply(flat(1))[0] > 9000
