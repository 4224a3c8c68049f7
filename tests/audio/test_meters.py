from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.analyser import Analyser
from duologue.audio.meters import Meters
from duologue.audio.samples import silence
from tests.audio.signals import tone


def test_before_any_sound_the_level_is_zero() -> None:
    assert Meters(16_000).level() == 0.0


def test_full_scale_is_one() -> None:
    meter = Meters(16_000)
    meter.push(np.full(800, -32768, dtype=np.int16))
    assert meter.level() == 1.0


def test_the_spectrum_is_that_of_an_analyser() -> None:
    meters, analyser = Meters(16_000), Analyser(16_000)
    sound = tone(200, 16_000)
    for start in range(0, len(sound), 160):
        meters.push(sound[start : start + 160])
        analyser.push(sound[start : start + 160])
        assert meters.voice_range_data() == analyser.voice_range_data()


def test_a_rate_without_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="above 200 Hz"):
        Meters(200)


def test_the_level_is_the_root_mean_square() -> None:
    meter = Meters(16_000)
    meter.push(tone(200, 16_000, dbfs=-20.0)[:2400])
    assert meter.level() == pytest.approx(0.1, rel=0.01)


def test_only_the_last_50_ms_count() -> None:
    meter = Meters(16_000)
    meter.push(tone(200, 16_000))
    for _ in range(5):
        assert meter.level() > 0
        meter.push(silence(160))
    assert meter.level() == 0.0
