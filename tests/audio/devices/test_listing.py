from __future__ import annotations

from typing import Any

import miniaudio
import pytest

import duologue.audio.devices.listing as module
from duologue.audio.devices.listing import (
    DeviceKind,
    devices_available,
    find_device,
    list_devices,
    sound_systems,
)
from duologue.errors import DeviceError, UnknownDevice

RATES_HZ = {"alsa_input.usb": (16_000, 48_000), "alsa_input.pci": ()}


class FakeDevices:
    """What miniaudio lists on a machine with microphones and no speaker."""

    def __init__(self, backends: list[miniaudio.Backend]) -> None:
        assert backends
        self.microphones = [
            fake_device("alsa_input.usb", "Headset"),
            fake_device("alsa_input.pci", "Built-in Analog", is_default=True),
            fake_device("alsa_input.hdmi", "Built-in HDMI"),
        ]

    def infos(self, kind: DeviceKind) -> list[Any]:
        return self.microphones if kind is DeviceKind.MICROPHONE else []


def fake_device(device_id: str, name: str, *, is_default: bool = False) -> Any:
    info = miniaudio.ffi.new("ma_device_info*")
    miniaudio.ffi.memmove(miniaudio.ffi.addressof(info.id), device_id.encode(), len(device_id))
    info.name = name.encode()
    info.isDefault = is_default
    return info


def fake_rates_hz(devices: FakeDevices, kind: DeviceKind, info: Any) -> tuple[int, ...]:
    device_id = (
        bytes(miniaudio.ffi.buffer(miniaudio.ffi.addressof(info.id))).partition(b"\0")[0].decode()
    )
    return RATES_HZ.get(device_id, ())


@pytest.fixture
def microphones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(miniaudio, "Devices", FakeDevices)
    monkeypatch.setattr(module, "_infos", FakeDevices.infos)
    monkeypatch.setattr(module, "_sample_rates_hz", fake_rates_hz)


@pytest.fixture
def no_sound_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(backends: list[miniaudio.Backend]) -> None:
        raise miniaudio.MiniaudioError("cannot init context", -203)

    monkeypatch.setattr(miniaudio, "Devices", fail)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("win32", [miniaudio.Backend.WASAPI]),
        ("darwin", [miniaudio.Backend.COREAUDIO]),
        ("linux", [miniaudio.Backend.PULSEAUDIO]),
    ],
)
def test_each_platform_has_its_sound_systems(
    monkeypatch: pytest.MonkeyPatch, platform: str, expected: list[miniaudio.Backend]
) -> None:
    monkeypatch.setattr("duologue.audio.devices.alsa.has_devices", lambda: False)
    monkeypatch.setattr("sys.platform", platform)
    assert sound_systems() == expected


def test_alsa_is_asked_last_and_only_where_there_is_a_sound_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("duologue.audio.devices.alsa.has_devices", lambda: True)
    assert sound_systems() == [miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA]


@pytest.mark.usefixtures("microphones")
def test_devices_are_listed_with_all_that_is_known_of_them() -> None:
    listed = list_devices()
    assert listed == list_devices(DeviceKind.MICROPHONE)
    assert [(device.id, device.name) for device in listed] == [
        ("alsa_input.usb", "Headset"),
        ("alsa_input.pci", "Built-in Analog"),
        ("alsa_input.hdmi", "Built-in HDMI"),
    ]
    assert [device.is_default for device in listed] == [False, True, False]
    assert [device.sample_rates_hz for device in listed] == [(16_000, 48_000), (), ()]


@pytest.mark.usefixtures("microphones")
@pytest.mark.parametrize("wanted", ["alsa_input.pci", "Built-in Analog", "analog"])
def test_a_device_is_found_by_id_by_name_and_by_a_part_of_its_name(wanted: str) -> None:
    found = find_device(DeviceKind.MICROPHONE, wanted)
    assert found is not None
    assert found.id == "alsa_input.pci"


@pytest.mark.usefixtures("microphones")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Anna\u2019s AirPods", "anna's airpods"),
        ("Anna's AirPods", "Anna\u00b4s AirPods"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("Cafe\u0301", "CAF\u00c9"),
        ("USB\u00a0 Audio", "usb audio"),
        ("Lautsprecher Gro\u00df", "GROSS"),
        ("\uff35\uff33\uff22 Mic", "usb mic"),
    ],
)
def test_a_name_is_found_however_it_is_written(
    name: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_infos", lambda *asked: [fake_device("alsa_input.x", name)])
    found = find_device(DeviceKind.MICROPHONE, wanted)
    assert found is not None
    assert found.name == name


@pytest.mark.usefixtures("microphones")
def test_a_whole_name_comes_before_a_part_of_a_longer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("Headset Pro", "Headset", "My Headset")
    devices = [fake_device(f"alsa_input.{name[:4]}{len(name)}", name) for name in names]
    monkeypatch.setattr(module, "_infos", lambda *asked: devices)
    found = find_device(DeviceKind.MICROPHONE, " headset")
    assert found is not None
    assert found.name == "Headset"


@pytest.mark.usefixtures("microphones")
@pytest.mark.parametrize("wanted", ["", " ", "\u00a0"])
def test_nothing_is_no_part_of_a_name(wanted: str) -> None:
    with pytest.raises(UnknownDevice, match="no microphone"):
        find_device(DeviceKind.MICROPHONE, wanted)


@pytest.mark.usefixtures("microphones")
def test_a_part_of_several_names_is_refused_with_their_ids() -> None:
    with pytest.raises(UnknownDevice, match=r"more than one microphone 'built-in'") as refusal:
        find_device(DeviceKind.MICROPHONE, "built-in")
    assert "'alsa_input.pci' (Built-in Analog), 'alsa_input.hdmi'" in str(refusal.value)
    assert "Headset" not in str(refusal.value)


@pytest.mark.usefixtures("microphones")
def test_to_find_a_device_none_is_asked_about_more_than_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*asked: object) -> None:
        raise AssertionError("it may have been unplugged meanwhile, which miniaudio does not bear")

    monkeypatch.setattr(module, "_sample_rates_hz", fail)
    assert find_device(DeviceKind.MICROPHONE, "alsa_input.hdmi") is not None


@pytest.mark.usefixtures("microphones")
def test_the_default_device_needs_no_name() -> None:
    assert find_device(DeviceKind.MICROPHONE, None) is None


@pytest.mark.usefixtures("microphones")
def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(
        UnknownDevice, match=r"no microphone 'usb2'\. .*'alsa_input.usb' \(Headset\)"
    ):
        find_device(DeviceKind.MICROPHONE, "usb2")


@pytest.mark.usefixtures("microphones")
def test_a_machine_without_a_speaker_is_told_so() -> None:
    with pytest.raises(DeviceError, match="This machine has no speaker"):
        find_device(DeviceKind.SPEAKER, None)
    assert not devices_available()


@pytest.mark.usefixtures("no_sound_system")
def test_where_no_sound_system_answers_no_device_is_available() -> None:
    assert not devices_available()
    with pytest.raises(DeviceError, match="no sound system of this machine answers"):
        list_devices(DeviceKind.SPEAKER)
