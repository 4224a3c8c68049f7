from __future__ import annotations

import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from duologue.audio.files.recording import Recording
from duologue.audio.files.writing import WavWriter
from duologue.audio.samples import Samples, silence
from duologue.errors import AudioFileError
from tests.audio.fake_devices import soon
from tests.audio.signals import tone

RATE_HZ = 8000


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def sides(path: Path) -> tuple[Samples, Samples]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def first_sound_ms(samples: Samples, rate_hz: int = RATE_HZ) -> float:
    return float(np.flatnonzero(np.abs(samples.astype(int)) > 500)[0]) * 1000 / rate_hz


def converse(recording: Recording, clock: Clock, *, user: Samples, agent: Samples) -> None:
    """Let both devices call every 10 ms."""
    for begin in range(0, len(user), 80):
        recording.agent(agent[begin : begin + 80])
        clock.now_s += 0.01
        recording.user(user[begin : begin + 80])


def test_the_user_is_on_the_left_and_the_agent_on_the_right(tmp_path: Path) -> None:
    clock = Clock()
    recording = Recording(
        tmp_path / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ, clock=clock
    )
    user = np.concatenate((silence(2400), tone(700, RATE_HZ, hz=400)))
    agent = np.concatenate((silence(6400), tone(200, RATE_HZ, hz=900)))
    converse(recording, clock, user=user, agent=agent)
    recording.close()
    left, right = sides(tmp_path / "call.wav")
    assert left.tobytes() == user.tobytes()
    assert right.tobytes() == agent.tobytes()


def test_rates_may_differ(tmp_path: Path) -> None:
    clock = Clock()
    recording = Recording(
        tmp_path / "call.wav", user_rate_hz=16_000, agent_rate_hz=24_000, clock=clock
    )
    for block in range(100):
        loud = block >= 50
        recording.agent(tone(10, 24_000) if loud else silence(240))
        clock.now_s += 0.01
        recording.user(tone(10, 16_000) if loud else silence(160))
    recording.close()
    left, right = sides(tmp_path / "call.wav")
    assert first_sound_ms(left, 24_000) == pytest.approx(500, abs=5)
    assert first_sound_ms(right, 24_000) == pytest.approx(500, abs=5)


def test_a_side_that_says_nothing_is_silent(tmp_path: Path) -> None:
    clock = Clock()
    recording = Recording(
        tmp_path / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ, clock=clock
    )
    clock.now_s += 2
    recording.user(tone(500, RATE_HZ))
    recording.close()
    left, right = sides(tmp_path / "call.wav")
    assert first_sound_ms(left) == pytest.approx(1500, abs=5)
    assert len(left) == len(right) == 2 * RATE_HZ
    assert not right.any()


def test_the_file_is_valid_while_it_grows(tmp_path: Path) -> None:
    clock = Clock()
    recording = Recording(
        tmp_path / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ, clock=clock
    )
    sound = tone(5000, RATE_HZ)
    converse(recording, clock, user=sound, agent=sound)
    deadline = threading.Event()
    for _ in range(200):
        left, _right = sides(tmp_path / "call.wav")
        if len(left) >= 4 * RATE_HZ:
            break
        deadline.wait(0.05)
    recording.close()
    assert len(left) >= 4 * RATE_HZ


def test_what_comes_after_the_end_is_not_kept(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ)
    recording.close()
    recording.user(tone(100, RATE_HZ))
    recording.agent(tone(100, RATE_HZ))
    recording.close()
    assert len(sides(tmp_path / "call.wav")[0]) == 0


def test_a_file_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="Choose a path"):
        Recording(tmp_path / "nowhere" / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ)


def test_a_disk_that_is_full_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(writer: WavWriter, samples: Samples) -> None:
        raise AudioFileError("No space left on device")

    failed = threading.Event()
    errors: list[Exception] = []

    def note(error: Exception) -> None:
        errors.append(error)
        failed.set()

    monkeypatch.setattr(WavWriter, "write", write)
    recording = Recording(tmp_path / "call.wav", user_rate_hz=RATE_HZ, agent_rate_hz=RATE_HZ)
    recording.failed = note
    recording.user(tone(100, RATE_HZ))
    recording.agent(tone(100, RATE_HZ))
    assert failed.wait(5)
    recording.close()
    assert [str(error) for error in errors] == ["No space left on device"]


_ENDLESS = """
import sys, time
from duologue.audio.files.recording import Recording
from tests.audio.fake_devices import soon
from tests.audio.signals import tone

recording = Recording(sys.argv[1], user_rate_hz=8000, agent_rate_hz=8000)
while True:
    recording.agent(tone(10, 8000))
    time.sleep(0.01)
    recording.user(tone(10, 8000))
"""


def test_the_file_of_a_program_that_was_killed_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)]) as program:
        try:
            soon(lambda: path.exists() and path.stat().st_size > 3 * RATE_HZ * 4)
        finally:
            program.kill()
    left, right = sides(path)
    assert len(left) >= 2 * RATE_HZ  # the header is brought up to date once a second
    assert path.stat().st_size - 44 - 4 * len(left) < 4 * 1.5 * RATE_HZ
    assert np.abs(left).max() > 5000
    assert np.abs(right).max() > 5000
