"""What a device does when it cannot be opened; the rest needs real ones (tests/real)."""

from __future__ import annotations

import miniaudio
import pytest

from duologue.audio.devices.hardware import Microphone, Speaker
from duologue.audio.samples import bytes_from_samples, silence
from duologue.errors import DeviceError, UnknownDevice


@pytest.fixture
def default_device_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.audio.devices.hardware.find_device", lambda kind, device_id: None)


class BusyDevice:
    """A device that another program holds."""

    def __init__(self, **options: object) -> None:
        raise miniaudio.MiniaudioError("failed to init device", -22)


class DeviceThatDoesNotStart:
    """A device that can be opened and then not be started."""

    closed = 0

    def __init__(self, **options: object) -> None:
        self._context = miniaudio.ffi.NULL

    def start(self, generator: object) -> None:
        raise miniaudio.MiniaudioError("failed to start audio device", -1)

    def close(self) -> None:
        type(self).closed += 1


@pytest.mark.usefixtures("default_device_exists")
def test_a_microphone_that_cannot_be_opened_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniaudio, "CaptureDevice", BusyDevice)
    microphone = Microphone(sample_rate_hz=16_000)
    with pytest.raises(
        DeviceError,
        match=r"The default microphone cannot be opened at 16000 Hz .*Close the program that holds",
    ):
        microphone.start(lambda data: None)
    microphone.stop()


@pytest.mark.usefixtures("default_device_exists")
def test_a_speaker_that_does_not_start_is_closed_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("duologue.audio.devices.hardware.PlaybackDevice", DeviceThatDoesNotStart)
    speaker = Speaker("spk1")
    for attempt in (1, 2):
        with pytest.raises(DeviceError, match="The speaker 'spk1' cannot be opened at 48000 Hz"):
            speaker.start(lambda frames: bytes_from_samples(silence(frames)))
        assert DeviceThatDoesNotStart.closed == attempt


def test_a_device_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(kind: str, device_id: str | None) -> None:
        if device_id is not None:
            raise UnknownDevice(f"There is no {kind} {device_id!r}.")

    monkeypatch.setattr("duologue.audio.devices.hardware.find_device", find)
    monkeypatch.setattr(miniaudio, "CaptureDevice", BusyDevice)
    with pytest.raises(UnknownDevice, match="no microphone 'usb'"):
        Microphone("usb").start(lambda data: None)
