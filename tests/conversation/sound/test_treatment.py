from __future__ import annotations

import sys
import wave
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from duologue.audio.capture.chunks import Capture
from duologue.audio.processing.echo_guard import EchoGuard
from duologue.audio.samples import Samples, bytes_from_samples, silence
from duologue.conversation.options.sound import UNTREATED, Treatment
from duologue.conversation.sound.treatment import SoundTreatment
from duologue.errors import AudioFileError
from tests.audio.room import attenuation_db, babble, echo
from tests.audio.standstill import Standing, ticks

RATE_HZ = 16_000


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def treating(wanted: Treatment, clock: Clock | None = None) -> SoundTreatment:
    return SoundTreatment(
        wanted,
        capture_rate_hz=RATE_HZ,
        playback_rate_hz=RATE_HZ,
        failed=lambda error: None,
        clock_s=clock or Clock(),
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


def test_a_source_of_another_rate_may_give_nothing_at_first() -> None:
    treatment = treating(Treatment(echo_cancellation=True))
    treatment.start()
    assert len(treatment.process(silence(0))) == 0
    assert len(treatment.process(silence(160))) == 160
    treatment.stop()


@pytest.mark.parametrize(
    ("stalling", "periods"),
    [("speaker", 1), ("speaker", 20), ("microphone", 2), ("microphone", 20)],
)
def test_an_echo_is_taken_out_though_a_device_stands_still_now_and_then(
    stalling: str, periods: int
) -> None:
    speech = babble(12, RATE_HZ)
    is_still = np.zeros(1200, dtype=bool)
    for begin in range(300, 1200, 100):
        is_still[begin : begin + periods] = True
    played = speech.copy().reshape(-1, 160)
    if stalling == "speaker":
        played[is_still] = 0  # nothing of the speech is lost, but it is played later
        played[~is_still] = speech.reshape(-1, 160)[: np.count_nonzero(~is_still)]
    heard = echo(played.ravel(), RATE_HZ, delay_ms=60).reshape(-1, 160)
    clock = Clock()
    treatment = treating(Treatment(echo_cancellation=True), clock)
    treatment.start()
    rest, taken = [], []
    for now, still in enumerate(is_still):
        clock.now_s = now / 100
        if not (still and stalling == "speaker"):
            treatment.played(played[now])
        if not (still and stalling == "microphone"):
            taken.append(heard[now])
            rest.append(treatment.process(heard[now]))
    treatment.stop()
    after_s = 3 * RATE_HZ
    assert attenuation_db(np.concatenate(taken)[after_s:], np.concatenate(rest)[after_s:]) > 17


@pytest.mark.parametrize("frames_at_once", [1, 2])
@pytest.mark.parametrize("duration_ms", [40, 100, 400])
@pytest.mark.parametrize("standing", get_args(Standing))
def test_an_echo_that_a_standstill_has_moved_does_not_come_through(
    standing: Standing, duration_ms: int, frames_at_once: int
) -> None:
    clock = Clock()
    treatment = treating(Treatment(echo_cancellation=True, noise_suppression=True), clock)
    treatment.start()
    from_s = 4.0
    waiting: list[Samples] = []
    rest: list[Samples] = []
    for tick in ticks(
        babble(8, RATE_HZ), RATE_HZ, standing, from_s=from_s, duration_s=duration_ms / 1000
    ):
        clock.now_s = tick.now_s
        for played in tick.played:
            treatment.played(played)
        for heard in tick.heard:
            waiting.append(heard)
            if len(waiting) == frames_at_once:
                rest.append(treatment.process(np.concatenate(waiting)))
                waiting.clear()
    treatment.stop()
    # The peak of the echo is at 6,000; without the guard up to 5,000 of it come through.
    assert np.abs(np.concatenate(rest)[round(from_s * RATE_HZ) :]).max() < 100


@pytest.mark.parametrize("piece", [170, 171, 172])
def test_pieces_that_fit_no_chunk_are_not_taken_for_lost_time(piece: int) -> None:
    clock = Clock()
    treatment = treating(Treatment(noise_suppression=True), clock)
    treatment.start()
    capture = Capture(RATE_HZ, RATE_HZ, 20, treatment)
    late_ms = np.random.default_rng(1).uniform(0, 3, 60 * RATE_HZ // piece)
    for number, late in enumerate(late_ms, start=1):
        clock.now_s = number * piece / RATE_HZ + late / 1000
        capture.push(bytes_from_samples(silence(piece)))
    treatment.stop()
    assert capture.captured_ms <= len(late_ms) * piece * 1000 / RATE_HZ


def test_after_a_standstill_a_user_is_heard_in_the_pauses_of_the_agent() -> None:
    clock = Clock()
    treatment = treating(Treatment(echo_cancellation=True), clock)
    treatment.start()
    voice = babble(4, RATE_HZ)
    heard = []
    for block, samples in enumerate(voice.reshape(-1, 160)):
        clock.now_s = block / 100
        if not 200 <= block < 210:
            treatment.played(silence(160))
        heard.append(treatment.process(samples))
    treatment.stop()
    after = 21 * RATE_HZ // 10
    assert attenuation_db(voice[after:], np.concatenate(heard)[after:]) < 3


def test_of_another_device_the_echo_is_doubted_and_learned_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learned_anew: list[EchoGuard] = []
    doubted: list[EchoGuard] = []
    monkeypatch.setattr(EchoGuard, "learn_anew", lambda guard: learned_anew.append(guard))
    monkeypatch.setattr(EchoGuard, "doubt", lambda guard: doubted.append(guard))
    treatment = treating(Treatment(echo_cancellation=True))
    treatment.device_changed()  # nothing is learned yet
    treatment.start()
    through(treatment, silence(1600), silence(1600))
    assert not learned_anew
    assert not doubted
    treatment.device_changed()
    through(treatment, silence(1600), silence(1600))
    treatment.stop()
    assert len(learned_anew) == len(doubted) == 1


def test_after_a_standstill_a_user_who_is_louder_than_the_echo_is_heard() -> None:
    clock = Clock()
    treatment = treating(Treatment(echo_cancellation=True, noise_suppression=True), clock)
    treatment.start()
    voice = babble(8, RATE_HZ, seed=7, peak=24_000)
    voice[: 4 * RATE_HZ] = 0
    heard: list[Samples] = []
    speech = babble(8, RATE_HZ)
    standing = ticks(speech, RATE_HZ, "speaker", from_s=4.0, duration_s=0.1)
    for tick, said in zip(standing, voice.reshape(-1, 160), strict=True):
        clock.now_s = tick.now_s
        for played in tick.played:
            treatment.played(played)
        heard.extend(treatment.process(echo + said) for echo in tick.heard)
    treatment.stop()
    after = 45 * RATE_HZ // 10
    assert attenuation_db(voice[after:], np.concatenate(heard)[after:]) < 6


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
    monkeypatch.setitem(sys.modules, "duologue.audio.processing.voice", None)
    monkeypatch.setitem(sys.modules, "duologue.audio.files.recording", None)
    treatment = treating(UNTREATED)
    treatment.start()
    treatment.stop()
