from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.devices.pulled_resampler import PulledResampler
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
from tests.audio.signals import tone


class Tone:
    """A tone that is given piece by piece."""

    def __init__(self, rate_hz: int) -> None:
        self._samples = tone(3000, rate_hz, hz=500)
        self.given = 0

    def render(self, frames: int) -> memoryview:
        self.given += frames
        return bytes_from_samples(self._samples[self.given - frames : self.given])


def pulled(sound: Tone, from_hz: int, to_hz: int, blocks: list[int]) -> Samples:
    resampler = PulledResampler(sound.render, from_hz, to_hz)
    return np.concatenate([samples_from_bytes(resampler.render(block)) for block in blocks])


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 48_000), (24_000, 44_100), (48_000, 8000)])
def test_what_is_asked_for_is_given_at_the_other_rate(from_hz: int, to_hz: int) -> None:
    sound = Tone(from_hz)
    blocks = [to_hz // 100] * 100
    heard = pulled(sound, from_hz, to_hz, blocks)
    assert len(heard) == to_hz
    # As much sound as time, and what the conversion holds back.
    assert from_hz <= sound.given <= from_hz * 1.1
    spectrum = np.abs(np.fft.rfft(heard[to_hz // 4 : to_hz // 4 * 3]))
    assert int(spectrum.argmax()) * 2 == 500


def test_equal_rates_change_nothing() -> None:
    sound = Tone(16_000)
    heard = pulled(sound, 16_000, 16_000, [160, 7, 1000])
    assert heard.tobytes() == tone(3000, 16_000, hz=500)[:1167].tobytes()
