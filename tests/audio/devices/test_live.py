from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import duologue.audio.devices.live as module
from duologue.audio.devices.live import LiveMicrophone, LiveSpeaker
from duologue.audio.endpoints import log_failure
from duologue.audio.samples import (
    Samples,
    bytes_from_samples,
    samples_from_bytes,
    samples_from_floats,
    silence,
)
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError, UnknownDevice
from tests.audio.fake_devices import soon

RATE_HZ = 16_000


class FakeEndpoint:
    """A microphone or a speaker whose driver is the test."""

    all: list[FakeEndpoint]
    known: set[str | None]

    def __init__(
        self, device_id: str | None, *, sample_rate_hz: int, period_ms: int | None = None
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.period_ms = period_ms
        self.device_id = device_id
        self.failed: Callable[[Exception], None] = log_failure
        self.exchange: Callable[..., memoryview] | None = None

    def start(self, exchange: Callable[..., memoryview]) -> None:
        if self.device_id not in FakeEndpoint.known:
            raise UnknownDevice(f"there is no {self.device_id!r}")
        self.exchange = exchange
        FakeEndpoint.all.append(self)

    def stop(self) -> None:
        self.exchange = None

    def records(self, value: int, frames: int = 160) -> None:
        assert self.exchange is not None
        self.exchange(bytes_from_samples(np.full(frames, value, dtype=np.int16)))

    def plays(self, frames: int = 160) -> Samples:
        assert self.exchange is not None
        return samples_from_bytes(self.exchange(frames))


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeEndpoint.all, FakeEndpoint.known = [], {None, "one", "two"}
    monkeypatch.setattr(module, "Microphone", FakeEndpoint)
    monkeypatch.setattr(module, "Speaker", FakeEndpoint)


class Heard:
    """What a live microphone has delivered."""

    def __init__(self) -> None:
        self.samples = silence(0)

    def __call__(self, data: memoryview) -> None:
        self.samples = np.concatenate((self.samples, samples_from_bytes(data)))

    @property
    def values(self) -> list[int]:
        """What was heard one after the other, repetitions left out."""
        changes = np.flatnonzero(np.diff(self.samples)) + 1
        return [int(part[0]) for part in np.split(self.samples, changes) if len(part)]


def test_what_the_device_records_is_delivered() -> None:
    microphone, heard = LiveMicrophone("one", sample_rate_hz=RATE_HZ), Heard()
    microphone.start(heard)
    FakeEndpoint.all[0].records(7)
    microphone.stop()
    assert (heard.values, len(heard.samples)) == ([7], 160)


def test_a_microphone_delivers_as_often_as_it_is_to() -> None:
    microphone = LiveMicrophone("one", sample_rate_hz=RATE_HZ, period_ms=10)
    microphone.start(Heard())
    microphone.switch("two")
    microphone.stop()
    assert [endpoint.period_ms for endpoint in FakeEndpoint.all] == [10, 10]


def test_after_a_switch_only_the_other_device_is_heard_and_the_gap_is_silent() -> None:
    microphone, heard = LiveMicrophone("one", sample_rate_hz=RATE_HZ), Heard()
    microphone.start(heard)
    one = FakeEndpoint.all[0]
    one.records(7)
    overheard = one.exchange
    microphone.switch("two")
    assert overheard is not None
    overheard(bytes_from_samples(np.full(160, 9, dtype=np.int16)))
    time.sleep(0.1)
    FakeEndpoint.all[1].records(8)
    microphone.stop()
    assert heard.values == [7, 0, 8]
    assert len(heard.samples) >= 160 + 0.09 * RATE_HZ


def test_a_device_may_run_at_another_rate_than_the_stream() -> None:
    microphone, heard = LiveMicrophone("one", sample_rate_hz=RATE_HZ), Heard()
    microphone.start(heard)
    microphone.switch("two", device_rate_hz=48_000)
    assert FakeEndpoint.all[1].sample_rate_hz == 48_000
    for _ in range(100):
        FakeEndpoint.all[1].records(7, frames=480)
    microphone.stop()
    assert 0.9 * RATE_HZ < len(heard.samples) <= RATE_HZ


def test_a_long_gap_is_not_filled_beyond_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    microphone, heard = LiveMicrophone("one", sample_rate_hz=RATE_HZ), Heard()
    microphone.start(heard)
    FakeEndpoint.all[0].records(7)
    microphone.switch("two")
    later_s = time.monotonic() + 3600
    monkeypatch.setattr("duologue.audio.devices.live.time.monotonic", lambda: later_s)
    FakeEndpoint.all[1].records(8)
    monkeypatch.undo()
    microphone.stop()
    assert len(heard.samples) == 160 + RATE_HZ + 160


def test_a_microphone_that_is_lost_is_told_and_silence_follows() -> None:
    microphone, heard = LiveMicrophone(sample_rate_hz=RATE_HZ), Heard()
    failures: list[Exception] = []
    changes: list[DeviceChange] = []
    microphone.failed, microphone.changed = failures.append, changes.append
    microphone.start(heard)
    one = FakeEndpoint.all[0]
    one.records(7)
    FakeEndpoint.known = set()
    one.failed(DeviceError("it has gone"))
    soon(lambda: heard.values == [7, 0])
    assert [str(error) for error in failures] == ["it has gone"]
    soon(lambda: changes)
    assert not changes[0].available
    microphone.stop()


def test_only_the_speaker_in_use_is_given_sound() -> None:
    speaker = LiveSpeaker("one", sample_rate_hz=RATE_HZ)
    speaker.start(lambda frames: bytes_from_samples(np.full(frames, 5, dtype=np.int16)))
    one = FakeEndpoint.all[0]
    assert set(one.plays()[80:]) == {5}  # the first 5 ms fade in
    overheard = one.exchange
    speaker.switch("two")
    assert overheard is not None
    assert set(samples_from_bytes(overheard(160))) == {0}
    assert set(FakeEndpoint.all[1].plays()[80:]) == {5}
    speaker.stop()


def test_a_speaker_may_run_at_another_rate_than_the_stream() -> None:
    taken: list[int] = []

    def render(frames: int) -> memoryview:
        taken.append(frames)
        return bytes_from_samples(silence(frames))

    speaker = LiveSpeaker("one", sample_rate_hz=RATE_HZ)
    speaker.start(render)
    speaker.switch("two", device_rate_hz=48_000)
    for _ in range(100):
        assert len(FakeEndpoint.all[1].plays(480)) == 480
    speaker.stop()
    assert RATE_HZ <= sum(taken) < 1.1 * RATE_HZ


def test_a_speaker_that_is_lost_goes_on_unheard() -> None:
    taken = Heard()

    def render(frames: int) -> memoryview:
        block = bytes_from_samples(np.full(frames, 5, dtype=np.int16))
        taken(block)
        return block

    speaker = LiveSpeaker(sample_rate_hz=RATE_HZ)
    speaker.failed = lambda error: None
    speaker.start(render)
    FakeEndpoint.known = set()
    FakeEndpoint.all[0].failed(DeviceError("it has gone"))
    soon(lambda: len(taken.samples) >= 3 * 160)
    speaker.stop()


class Driver(threading.Thread):
    """Lets every speaker play that runs, and keeps what each has played."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.played: dict[int, list[Samples]] = {}
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.001):
            for number, speaker in enumerate(FakeEndpoint.all):
                exchange = speaker.exchange
                if exchange is not None:
                    block = samples_from_bytes(exchange(80))
                    self.played.setdefault(number, []).append(block)

    def of(self, number: int) -> Samples:
        """What one speaker has played, with the silence around it."""
        return np.concatenate((silence(1), *self.played[number], silence(1)))


def test_a_switch_is_heard_as_no_click_on_either_speaker() -> None:
    position = 0

    def render(frames: int) -> memoryview:
        nonlocal position
        position += frames
        return bytes_from_samples(tone_of_200_hz(position - frames, frames))

    speaker, driver = LiveSpeaker("one", sample_rate_hz=RATE_HZ), Driver()
    speaker.start(render)
    driver.start()
    for device_id in ("two", "one", "two", "one"):
        soon(lambda: len(driver.played.get(len(FakeEndpoint.all) - 1, ())) > 5)
        speaker.switch(device_id)
    soon(lambda: len(driver.played.get(4, ())) > 5)
    speaker.stop()
    driver.ended.set()
    driver.join()
    steepest_of_tone = 10_000 * 2 * np.pi * 200 / RATE_HZ
    for number in range(5):
        assert np.abs(driver.of(number).astype(int)).max() > 5000
        steps = np.abs(np.diff(driver.of(number).astype(int)))
        assert steps.max() <= steepest_of_tone + 10_000 / 80 + 2
    heard = sum(np.count_nonzero(driver.of(number)) for number in range(5))
    assert position - heard < 5 * 0.012 * RATE_HZ  # the fades, and zeros of the tone


def tone_of_200_hz(begin: int, frames: int) -> Samples:
    times = np.arange(begin, begin + frames) / RATE_HZ
    return samples_from_floats(10_000 * np.sin(2 * np.pi * 200 * times))
