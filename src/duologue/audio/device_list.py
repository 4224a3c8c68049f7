"""Which microphones and speakers this machine has, and which of its sound systems is asked.

The sound system is named, never left to chance: asked without a name, miniaudio goes on to ALSA
where no sound server runs, and ALSA writes some hundred lines to the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import miniaudio

from duologue.audio import alsa
from duologue.errors import DeviceError, UnknownDevice


class DeviceKind(StrEnum):
    """Which way sound goes."""

    MICROPHONE = "microphone"
    SPEAKER = "speaker"


@dataclass(frozen=True)
class Device:
    """A device that can be opened.

    Attributes:
        id: the sound system's own name for it, which stays the same.
        name: what people call it.
        handle: what miniaudio opens it by.
    """

    id: str
    name: str
    handle: Any


def sound_systems() -> list[miniaudio.Backend]:
    """The sound systems worth asking on this machine, the best first."""
    if sys.platform == "win32":
        return [miniaudio.Backend.WASAPI]
    if sys.platform == "darwin":
        return [miniaudio.Backend.COREAUDIO]
    # PipeWire answers as PulseAudio. ALSA itself is asked only where the kernel has a sound card.
    if alsa.has_devices():
        alsa.silence_errors()
        return [miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA]
    return [miniaudio.Backend.PULSEAUDIO]


def list_devices(kind: DeviceKind) -> list[Device]:
    """All devices of a kind, as of now.

    Raises:
        DeviceError: no sound system answers.
    """
    try:
        # Made anew each time: after the sound server restarts, an old one keeps failing.
        devices = miniaudio.Devices(sound_systems())
        found: Sequence[dict[str, Any]] = (
            devices.get_captures() if kind is DeviceKind.MICROPHONE else devices.get_playbacks()
        )
    except miniaudio.MiniaudioError as error:
        raise DeviceError(
            f"No {kind} can be listed, for no sound system of this machine answers ({error}). "
            "Start one (on Linux PipeWire or PulseAudio), or give a file or a source or sink of "
            "your own in place of the devices."
        ) from error
    return [Device(_text_of(item["id"]), item["name"], item["id"]) for item in found]


def find_device(kind: DeviceKind, device_id: str | None) -> Device | None:
    """The device with that id or name; None, for the system's default, if `device_id` is None.

    Raises:
        UnknownDevice: there is no such device.
        DeviceError: there is none at all, or no sound system answers.
    """
    devices = list_devices(kind)
    if not devices:
        raise DeviceError(
            f"This machine has no {kind}. Connect one, or give a file or a source or sink of your "
            "own in its place."
        )
    if device_id is None:
        return None
    for device in devices:
        if device_id in (device.id, device.name):
            return device
    known = ", ".join(f"{device.id!r} ({device.name})" for device in devices)
    raise UnknownDevice(
        f"There is no {kind} {device_id!r}. Give one of these, or none for the default: {known}."
    )


def devices_available() -> bool:
    """Whether this machine has a microphone and a speaker. Quick, silent, never raises."""
    try:
        return all(list_devices(kind) for kind in DeviceKind)
    except DeviceError:
        return False


def _text_of(handle: Any) -> str:
    """The text in miniaudio's id of a device: UTF-16 on Windows, else bytes; ended by a zero."""
    raw = bytes(miniaudio.ffi.buffer(handle))
    if sys.platform == "win32":
        return raw.decode("utf-16-le", "replace").partition("\0")[0]
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
