"""Devices switched, lost and found again, on a real sound server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from duologue.audio.devices.live import LiveMicrophone, LiveSpeaker
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
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

pytestmark = [pytest.mark.devices, pytest.mark.xdist_group("devices")]

RATE_HZ = 16_000
ROUNDS = 4
"""Whole conversations go through more of them, see test_device_soak."""

CHECK_EVERY_S = 0.2
"""How often it is seen here whether a device has come back; otherwise it is once a second."""

DEVICE_RATE_HZ = 48_000
LOUD = 8000
GAP_MS = 200
"""40 ms on a machine that has nothing else to do."""

FRAMES_PER_MS = DEVICE_RATE_HZ // 1000
STAIRS_MS = 600
STEP = 40
LOWEST_STEP = 1000

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
        self.longest_silence = 0
        self.is_loud = False
        self._silence = 0
        self._busy = threading.Lock()

    def deliver(self, data: memoryview) -> None:
        if not self._busy.acquire(blocking=False):
            self.threads_at_once += 1
            return
        if not self.frames:
            self.began_s = time.monotonic()
        self.frames += data.nbytes // 2
        self._measure(samples_from_bytes(data))
        self._busy.release()

    def forget(self) -> None:
        """Measure from now on."""
        self.longest_silence = self._silence = 0

    def _measure(self, samples: Samples) -> None:
        loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD // 2)
        self.is_loud = len(loud) > 0
        edges = [-1 - self._silence, *loud.tolist()]
        self._silence = len(samples) - 1 - edges[-1]
        gaps = np.diff([*edges, len(samples)]) - 1
        self.longest_silence = max(self.longest_silence, int(gaps.max()))

    @property
    def behind_s(self) -> float:
        return time.monotonic() - self.began_s - self.frames / RATE_HZ


class Stairs:
    """Sound that tells where it is: every ms is one step higher, and in the end it begins anew."""

    def __init__(self) -> None:
        self._frames = 0

    def render(self, frames: int) -> memoryview:
        positions_ms = np.arange(self._frames, self._frames + frames) // FRAMES_PER_MS
        self._frames += frames
        return bytes_from_samples(
            (LOWEST_STEP + STEP * (positions_ms % STAIRS_MS)).astype(np.int16)
        )


class StairsListener(threading.Thread):
    """Records stairs, and tells which of the steps were heard in full."""

    def __init__(self, recording: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._recording = recording
        self._data = bytearray()
        self.start()

    def run(self) -> None:
        with suppress(ValueError):  # it is closed as it ends
            while block := self._recording.read(960):
                self._data += block

    def heard_ms(self) -> list[int]:
        samples = samples_from_bytes(bytes(self._data[: len(self._data) // 2 * 2])).astype(int)
        steps = np.split(samples, np.flatnonzero(np.diff(samples)) + 1)
        return [
            (int(step[0]) - LOWEST_STEP) // STEP
            for step in steps
            if len(step) >= FRAMES_PER_MS and step[0] >= LOWEST_STEP
        ]


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
        LiveMicrophone(device_id, sample_rate_hz=RATE_HZ, check_every_s=CHECK_EVERY_S),
        Stream(),
        Reports(),
    )
    microphone.changed, microphone.failed = reports.changed, reports.failed
    microphone.start(stream.deliver)
    return microphone, stream, reports


def live_speaker(device_id: str | None = None) -> tuple[LiveSpeaker, Tone, Reports]:
    speaker, tone, reports = (
        LiveSpeaker(device_id, sample_rate_hz=RATE_HZ, check_every_s=CHECK_EVERY_S),
        Tone(),
        Reports(),
    )
    speaker.changed, speaker.failed = reports.changed, reports.failed
    speaker.start(tone.render)
    return speaker, tone, reports


def goes_on(stream: Stream | Tone) -> bool:
    """Whether frames go on within a tenth of a second."""
    before = stream.frames
    time.sleep(0.1)
    return stream.frames > before


def test_a_microphone_is_switched_without_a_gap(pulseaudio: PulseAudio, tmp_path: Path) -> None:
    pulseaudio.add_microphone(OTHER_MICROPHONE)
    voice = tmp_path / "voice.pcm"
    voice.write_bytes(np.full(30 * DEVICE_RATE_HZ, LOUD, dtype=np.int16).tobytes())
    microphone, stream, reports = live_microphone(MICROPHONE)
    with (
        pulseaudio.playing(f"{MICROPHONE}_in", voice, DEVICE_RATE_HZ),
        pulseaudio.playing(f"{OTHER_MICROPHONE}_in", voice, DEVICE_RATE_HZ),
    ):
        try:
            soon(lambda: stream.is_loud)
            time.sleep(0.5)  # until the second one plays as well
            stream.forget()
            for device_id in (OTHER_MICROPHONE, MICROPHONE) * (ROUNDS // 2):
                microphone.switch(device_id)
                assert goes_on(stream)
            assert -0.1 < stream.behind_s < 0.1
        finally:
            microphone.stop()
    gap_ms = stream.longest_silence * 1000 / RATE_HZ
    assert gap_ms < GAP_MS
    assert stream.threads_at_once == 0
    assert [change.device_id for change in reports.changes[:2]] == [OTHER_MICROPHONE, MICROPHONE]
    assert len(reports.changes) == ROUNDS
    assert reports.failures == []


def test_a_speaker_is_switched_and_little_is_lost_or_repeated(pulseaudio: PulseAudio) -> None:
    pulseaudio.add_speaker(OTHER_SPEAKER)
    stairs = Stairs()
    speaker = LiveSpeaker(SPEAKER, sample_rate_hz=DEVICE_RATE_HZ)
    with (
        pulseaudio.recording(f"{SPEAKER}.monitor", DEVICE_RATE_HZ) as first,
        pulseaudio.recording(f"{OTHER_SPEAKER}.monitor", DEVICE_RATE_HZ) as second,
    ):
        listeners = [StairsListener(first), StairsListener(second)]
        speaker.start(stairs.render)
        try:
            soon(lambda: len(listeners[0].heard_ms()) > 50)
            speaker.switch(OTHER_SPEAKER)
            soon(lambda: len(listeners[1].heard_ms()) > 50)
        finally:
            speaker.stop()
    last_ms, first_ms = listeners[0].heard_ms()[-1], listeners[1].heard_ms()[0]
    lost_ms = (first_ms - last_ms - 1 + STAIRS_MS // 2) % STAIRS_MS - STAIRS_MS // 2
    assert abs(lost_ms) < GAP_MS


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
