from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from duologue.audio.samples import Samples, silence
from duologue.conversation.options.sound import UNTREATED, Treatment
from duologue.conversation.treatment import SoundTreatment
from duologue.errors import AudioFileError
from tests.audio.room import attenuation_db, babble, echo

RATE_HZ = 16_000


def treating(wanted: Treatment) -> SoundTreatment:
    return SoundTreatment(
        wanted, capture_rate_hz=RATE_HZ, playback_rate_hz=RATE_HZ, failed=lambda error: None
    )


def through(treatment: SoundTreatment, heard: Samples, played: Samples) -> Samples:
    blocks = []
    for begin in range(0, len(heard), 160):
        treatment.played(played[begin : begin + 160])
        blocks.append(treatment.process(heard[begin : begin + 160]))
        treatment.captured(blocks[-1])
    return np.concatenate(blocks)


def test_untreated_sound_stays_as_it_is() -> None:
    treatment = treating(UNTREATED)
    treatment.start()
    voice = babble(1, RATE_HZ)
    assert through(treatment, voice, silence(len(voice))).tobytes() == voice.tobytes()
    treatment.stop()


def test_the_echo_is_taken_out_if_that_is_wanted() -> None:
    played = babble(5, RATE_HZ)
    heard = echo(played, RATE_HZ, delay_ms=60)
    treatment = treating(Treatment(echo_cancellation=True))
    treatment.start()
    rest = through(treatment, heard, played)
    treatment.stop()
    assert attenuation_db(heard[3 * RATE_HZ :], rest[3 * RATE_HZ :]) > 25


def test_both_sides_are_recorded_if_that_is_wanted(tmp_path: Path) -> None:
    treatment = treating(Treatment(record=tmp_path / "call.wav"))
    treatment.start()
    through(treatment, babble(1, RATE_HZ), babble(1, RATE_HZ, seed=2))
    treatment.stop()
    with wave.open(str(tmp_path / "call.wav")) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert all(np.abs(sides).max(axis=0) > 10_000)


def test_a_recording_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    treatment = treating(Treatment(record=tmp_path / "nowhere" / "call.wav"))
    with pytest.raises(AudioFileError, match=r"call\.wav"):
        treatment.start()
    treatment.stop()


def test_what_is_not_wanted_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duologue.audio.voice_processor", None)
    monkeypatch.setitem(sys.modules, "duologue.audio.recording", None)
    treatment = treating(UNTREATED)
    treatment.start()
    treatment.stop()
