"""Devices switched, lost and found again, on a real sound server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from duologue.audio.live_devices import LiveMicrophone, LiveSpeaker
from duologue.audio.samples import bytes_from_samples, samples_from_bytes
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError
from tests.audio.fake_devices import soon
from tests.real.pulseaudio import (
    MICROPHONE,
    OTHER_MICROPHONE,
    OTHER_SPEAKER,
    SPEAKER,
    PulseAudio,
    running_pulseaudio,
)

RATE_HZ = 16_000
ROUNDS = 10
NOTICED_WITHIN_S = 1.5
"""Half a second on a machine that has nothing else to do."""


@pytest.fixture
def pulseaudio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseAudio]:
    with running_pulseaudio(tmp_path) as server:
        monkeypatch.setenv("XDG_RUNTIME_DIR", server.environment["XDG_RUNTIME_DIR"])
        yield server


class Stream:
    """What a microphone delivers: one thread at a time, at the pace of real time."""

    def __init__(self) -> None:
        self.began_s = time.monotonic()
        self.frames = 0
        self.threads_at_once = 0
        self._busy = threading.Lock()

    def deliver(self, data: memoryview) -> None:
        if not self._busy.acquire(blocking=False):
            self.threads_at_once += 1
            return
        if not self.frames:
            self.began_s = time.monotonic()
        self.frames += data.nbytes // 2
        self._busy.release()

    @property
    def behind_s(self) -> float:
        return time.monotonic() - self.began_s - self.frames / RATE_HZ


class Tone:
    """What a speaker plays."""

    def __init__(self) -> None:
        self.frames = 0

    def render(self, frames: int) -> memoryview:
        self.frames += frames
        return bytes_from_samples(np.full(frames, 8000, dtype=np.int16))


class Reports:
    def __init__(self) -> None:
        self.changes: list[DeviceChange] = []
        self.failures: list[Exception] = []
        self.failed_at_s: list[float] = []

    def changed(self, change: DeviceChange) -> None:
        self.changes.append(change)

    def told(self, changes: int) -> Callable[[], bool]:
        """A condition: so many changes have been told."""
        return lambda: len(self.changes) == changes

    def failed(self, error: Exception) -> None:
        self.failed_at_s.append(time.monotonic())
        self.failures.append(error)


def live_microphone(device_id: str | None = None) -> tuple[LiveMicrophone, Stream, Reports]:
    microphone, stream, reports = (
        LiveMicrophone(device_id, sample_rate_hz=RATE_HZ),
        Stream(),
        Reports(),
    )
    microphone.changed, microphone.failed = reports.changed, reports.failed
    microphone.start(stream.deliver)
    return microphone, stream, reports


def live_speaker(device_id: str | None = None) -> tuple[LiveSpeaker, Tone, Reports]:
    speaker, tone, reports = LiveSpeaker(device_id, sample_rate_hz=RATE_HZ), Tone(), Reports()
    speaker.changed, speaker.failed = reports.changed, reports.failed
    speaker.start(tone.render)
    return speaker, tone, reports


def goes_on(stream: Stream | Tone) -> bool:
    """Whether frames go on within a fifth of a second."""
    before = stream.frames
    time.sleep(0.2)
    return stream.frames > before


def test_a_microphone_is_switched_without_a_gap(pulseaudio: PulseAudio) -> None:
    pulseaudio.add_microphone(OTHER_MICROPHONE)
    microphone, stream, reports = live_microphone(MICROPHONE)
    try:
        soon(lambda: stream.frames)
        for device_id in (OTHER_MICROPHONE, MICROPHONE) * (ROUNDS // 2):
            microphone.switch(device_id)
            assert goes_on(stream)
        assert -0.1 < stream.behind_s < 0.1
    finally:
        microphone.stop()
    assert stream.threads_at_once == 0
    assert [change.device_id for change in reports.changes[:2]] == [OTHER_MICROPHONE, MICROPHONE]
    assert len(reports.changes) == ROUNDS
    assert reports.failures == []


def test_a_speaker_is_switched_and_the_other_one_is_heard(pulseaudio: PulseAudio) -> None:
    pulseaudio.add_speaker(OTHER_SPEAKER)
    speaker, tone, _ = live_speaker(SPEAKER)
    try:
        soon(lambda: tone.frames)
        speaker.switch(OTHER_SPEAKER)
        with pulseaudio.recording(f"{OTHER_SPEAKER}.monitor", RATE_HZ) as recording:
            soon(lambda: samples_from_bytes(recording.read(320)).max() > 5000)
    finally:
        speaker.stop()


def test_an_id_that_does_not_exist_takes_the_default(pulseaudio: PulseAudio) -> None:
    microphone, stream, reports = live_microphone("nowhere")
    try:
        soon(lambda: stream.frames)
        microphone.switch(MICROPHONE)
        microphone.switch("nowhere")
        assert goes_on(stream)
    finally:
        microphone.stop()
    assert [change.device_id for change in reports.changes] == [None, MICROPHONE, None]
    assert "no microphone 'nowhere'" in str(reports.changes[2].reason)


def test_without_a_sound_server_the_start_fails_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(DeviceError, match="PipeWire or PulseAudio"):
        live_speaker()


def test_devices_that_are_unplugged_are_replaced_and_come_back(pulseaudio: PulseAudio) -> None:
    pulseaudio.add_speaker(OTHER_SPEAKER)
    speaker, tone, reports = live_speaker(OTHER_SPEAKER)
    try:
        for count in range(1, ROUNDS + 1):
            soon(lambda: goes_on(tone))
            lost_at_s = time.monotonic()
            pulseaudio.unload(f"sink_name={OTHER_SPEAKER}")
            soon(reports.told(2 * count - 1))
            assert reports.failed_at_s[-1] - lost_at_s < NOTICED_WITHIN_S
            assert reports.changes[-1].device_id is None
            assert goes_on(tone)
            pulseaudio.add_speaker(OTHER_SPEAKER)
            soon(reports.told(2 * count))
            assert reports.changes[-1].device_id == OTHER_SPEAKER
    finally:
        speaker.stop()


def test_a_sound_server_that_is_killed_and_started_again_is_survived(
    pulseaudio: PulseAudio,
) -> None:
    microphone, stream, of_microphone = live_microphone(MICROPHONE)
    speaker, tone, of_speaker = live_speaker(SPEAKER)
    try:
        for count in range(1, ROUNDS + 1):
            soon(lambda: goes_on(stream) and goes_on(tone))
            killed_at_s = time.monotonic()
            pulseaudio.kill()
            for reports in (of_microphone, of_speaker):
                soon(reports.told(2 * count - 1))
                assert reports.failed_at_s[-1] - killed_at_s < NOTICED_WITHIN_S
                assert not reports.changes[-1].available
            assert goes_on(stream)
            assert goes_on(tone)
            pulseaudio.start()
            for reports in (of_microphone, of_speaker):
                soon(reports.told(2 * count))
                assert reports.changes[-1].available
        assert -0.2 < stream.behind_s < 0.2
    finally:
        microphone.stop()
        speaker.stop()
    assert stream.threads_at_once == 0


def test_a_sound_server_that_hangs_stops_nothing(pulseaudio: PulseAudio) -> None:
    microphone, stream, reports = live_microphone(MICROPHONE)
    try:
        soon(lambda: stream.frames)
        with pulseaudio.hanging():
            soon(lambda: reports.failures)
            assert goes_on(stream)
        soon(lambda: reports.changes)
        assert goes_on(stream)
    finally:
        microphone.stop()
