from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.samples import Samples, silence
from duologue.conversation.sound.last_voiced import AT_ONCE_MS, LastVoiced
from tests.audio.signals import tone

RATE_HZ = 16_000
CHUNK_MS = 20
BEGAN_MS = 5000.0


def heard(sound: Samples, *, chunk_ms: int = CHUNK_MS, late_ms: float = 0.0) -> LastVoiced:
    """What is known after a sound has gone out in pieces, each as its last sample was spoken."""
    voiced = LastVoiced(RATE_HZ)
    size = chunk_ms * RATE_HZ // 1000
    for number, start in enumerate(range(0, len(sound), size), start=1):
        voiced.push(sound[start : start + size], BEGAN_MS + number * chunk_ms + late_ms)
    return voiced


@pytest.mark.parametrize("chunk_ms", [5, 20, 25, 100])
@pytest.mark.parametrize("quiet_ms", [0, 40, 3000])
def test_it_is_when_the_last_voiced_frame_went_out(chunk_ms: int, quiet_ms: int) -> None:
    sound = np.concatenate((tone(500, RATE_HZ), silence(quiet_ms * RATE_HZ // 1000)))
    assert heard(sound, chunk_ms=chunk_ms).take_ms() == pytest.approx(BEGAN_MS + 500)


def test_a_piece_that_is_late_moves_its_own_frames_only() -> None:
    voiced = heard(tone(100, RATE_HZ))
    voiced.push(silence(320), BEGAN_MS + 170)  # 50 ms late
    assert voiced.take_ms() == pytest.approx(BEGAN_MS + 100)
    voiced.push(tone(60, RATE_HZ), BEGAN_MS + 230)
    assert voiced.take_ms() == pytest.approx(BEGAN_MS + 230)


def test_what_was_told_is_not_told_again() -> None:
    voiced = heard(tone(100, RATE_HZ))
    assert voiced.take_ms() is not None
    assert voiced.take_ms() is None
    voiced.push(silence(1600), BEGAN_MS + 200)
    assert voiced.take_ms() is None


def test_silence_is_no_voice() -> None:
    assert heard(silence(RATE_HZ)).take_ms() is None
    assert LastVoiced(RATE_HZ).take_ms() is None


def test_it_keeps_little_however_long_nobody_asks() -> None:
    voiced = heard(tone(5000, RATE_HZ))
    assert sum(map(len, voiced._waiting)) <= AT_ONCE_MS * RATE_HZ // 1000
    assert len(voiced._ends) <= AT_ONCE_MS // CHUNK_MS + 1
    assert voiced.take_ms() == pytest.approx(BEGAN_MS + 5000)
