from __future__ import annotations

import logging

import miniaudio
import pytest

from duologue.audio import devices as live
from duologue.audio.devices import Microphone, Speaker
from duologue.conversation.devices import ChosenDevices, chosen_devices
from duologue.conversation.options.sound import sound_plan
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError, UnknownDevice
from duologue.protocol.formats import AudioFormat
from tests.conversation.fakes import ManualSink, ManualSource

INPUT, OUTPUT = AudioFormat.parse("pcm_16000"), AudioFormat.parse("pcm_24000")


def chosen(**options: object) -> ChosenDevices:
    return chosen_devices(sound_plan(options), INPUT, OUTPUT)


@pytest.fixture
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose devices have other ids than are asked for, and cannot be opened."""

    def find(kind: str, device_id: str | None) -> None:
        if device_id is not None:
            raise UnknownDevice(f"There is no {kind} {device_id!r}.")

    def open_device(**options: object) -> None:
        assert options["device_id"] is None
        raise miniaudio.MiniaudioError("opened", 0)

    monkeypatch.setattr(live, "find_device", find)
    monkeypatch.setattr(miniaudio, "CaptureDevice", open_device)
    monkeypatch.setattr(miniaudio, "PlaybackDevice", open_device)


def test_ones_own_source_and_sink_are_taken_as_they_are() -> None:
    source, sink = ManualSource(), ManualSink()
    devices = chosen(microphone=source, speaker=sink)
    assert (devices.source, devices.sink) == (source, sink)


def test_the_systems_devices_run_at_the_rates_of_the_wire() -> None:
    devices = chosen()
    assert isinstance(devices.source, Microphone)
    assert isinstance(devices.sink, Speaker)
    assert (devices.source.sample_rate_hz, devices.sink.sample_rate_hz) == (16_000, 24_000)


def test_one_may_be_ones_own_and_the_other_the_systems() -> None:
    source = ManualSource()
    devices = chosen(microphone=source, output_device_id="usb")
    assert devices.source is source
    assert isinstance(devices.sink, Speaker)


@pytest.mark.usefixtures("nothing_is_known")
def test_for_an_unknown_id_the_default_is_opened_and_it_is_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    devices = chosen(input_device_id="usb1", output_device_id="usb2")
    assert devices.changes == []
    with pytest.raises(DeviceError, match="The default microphone cannot be opened"):
        devices.source.start(lambda data: None)
    with pytest.raises(DeviceError, match="The default speaker cannot be opened"):
        devices.sink.start(lambda frames: memoryview(bytes(2 * frames)))
    assert devices.changes == [
        DeviceChange(kind="microphone", device_id=None, reason="There is no microphone 'usb1'."),
        DeviceChange(kind="speaker", device_id=None, reason="There is no speaker 'usb2'."),
    ]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "There is no microphone 'usb1'. The default microphone is used instead.",
        ),
        (logging.WARNING, "There is no speaker 'usb2'. The default speaker is used instead."),
    ]


@pytest.mark.usefixtures("nothing_is_known")
def test_the_default_devices_change_nothing() -> None:
    devices = chosen()
    with pytest.raises(DeviceError, match="cannot be opened"):
        devices.source.start(lambda data: None)
    assert devices.changes == []
