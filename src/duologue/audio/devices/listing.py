"""Which microphones and speakers this machine has, and which of its sound systems is asked.

The sound system is named, never left to chance: asked without a name, miniaudio goes on to ALSA
where no sound server runs, and ALSA writes some hundred lines to the terminal.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import miniaudio

from duologue.audio.devices import alsa
from duologue.audio.devices.advice import Obstacle, advice
from duologue.errors import DeviceError, UnknownDevice

_APOSTROPHES: Final = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u00b4\u0060\uff07"), "'")
"""What stands for an apostrophe; a phone calls itself `Anna’s`, and its user types `Anna's`."""


class DeviceKind(StrEnum):
    """Which way sound goes."""

    MICROPHONE = "microphone"
    SPEAKER = "speaker"


@dataclass(frozen=True, kw_only=True)
class AudioDevice:
    """A device that can be opened.

    Attributes:
        kind: which way its sound goes.
        id: the sound system's own name for it, which stays the same.
        name: what people call it.
        is_default: whether it is the one that is used where none is named.
        sample_rates_hz: the rates at which it runs by itself, in ascending order; the sound system
            converts others. Empty if it does not say, or takes any, or if they were not asked for.
    """

    kind: DeviceKind
    id: str
    name: str
    is_default: bool
    sample_rates_hz: tuple[int, ...]
    handle: Any = field(repr=False, compare=False)


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


def list_devices(kind: DeviceKind | None = None) -> list[AudioDevice]:
    """The devices of this machine, or those of one kind, as of now.

    Raises:
        DeviceError: no sound system answers.
    """
    return _list_devices(kind, with_rates=True)


def find_device(kind: DeviceKind, device_id: str | None) -> AudioDevice | None:
    """The device with that id, name or part of a name; None, for the default, if there is no id.

    An id counts before a name, and a name before a part of a longer one. In names
    it does not matter how case, spaces, accents and apostrophes are written.

    Raises:
        UnknownDevice: there is no such device.
        DeviceError: there is none at all, or no sound system answers.
    """
    devices = _list_devices(kind)
    if not devices:
        raise DeviceError(
            f"This machine has no {kind}. {advice(Obstacle.MISSING)} Or give a file or a source "
            "or sink of your own in its place."
        )
    if device_id is None:
        return None
    matches = _matching(devices, device_id)
    if len(matches) == 1:
        return matches[0]
    expected = ", ".join(f"{device.id!r} ({device.name})" for device in matches or devices)
    if matches:
        raise UnknownDevice(
            f"There is more than one {kind} {device_id!r}. Give the id of one of these: {expected}."
        )
    raise UnknownDevice(
        f"There is no {kind} {device_id!r}. Give one of these, or none for the default: {expected}."
    )


def devices_available() -> bool:
    """Whether this machine has a microphone and a speaker. Quick, silent, never raises."""
    try:
        return all(list_devices(kind) for kind in DeviceKind)
    except DeviceError:
        return False


def _matching(devices: Sequence[AudioDevice], wanted: str) -> list[AudioDevice]:
    """What is meant most likely: an id, else a name, else a part of a name."""
    said = _as_said(wanted)
    rules: tuple[Callable[[AudioDevice], bool], ...] = (
        lambda device: device.id == wanted,
        lambda device: device.name == wanted,
        lambda device: bool(said) and said == _as_said(device.name),
        lambda device: bool(said) and said in _as_said(device.name),
    )
    for rule in rules:
        if matches := [device for device in devices if rule(device)]:
            return matches
    return []


def _as_said(name: str) -> str:
    """A name as two people would say it alike, however each of their keyboards writes it."""
    plain = unicodedata.normalize("NFKC", name.translate(_APOSTROPHES)).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def _list_devices(kind: DeviceKind | None, *, with_rates: bool = False) -> list[AudioDevice]:
    """See `list_devices`.

    Args:
        with_rates: ask for the rates as well. Not while devices may be lost: miniaudio's question
            about a device that PulseAudio has just removed ends the process (1.71, a null pointer).
    """
    try:
        # Made anew each time: after the sound server restarts, an old one keeps failing.
        devices = miniaudio.Devices(sound_systems())
        return [
            _device(devices, wanted, info, with_rates=with_rates)
            for wanted in ([kind] if kind is not None else DeviceKind)
            for info in _infos(devices, wanted)
        ]
    except miniaudio.MiniaudioError as error:
        raise DeviceError(
            f"No {kind or 'device'} can be listed, for no sound system of this machine answers "
            f"({error}). {advice(Obstacle.NO_SOUND_SYSTEM)} Or give a file or a source or sink of "
            "your own in place of the devices."
        ) from error


def _device(
    devices: miniaudio.Devices, kind: DeviceKind, info: Any, *, with_rates: bool
) -> AudioDevice:
    return AudioDevice(
        kind=kind,
        id=_text_of(miniaudio.ffi.addressof(info.id)),
        name=miniaudio.ffi.string(info.name).decode("utf-8", "replace"),
        is_default=bool(info.isDefault),
        sample_rates_hz=_sample_rates_hz(devices, kind, info) if with_rates else (),
        handle=miniaudio.ffi.new("ma_device_id *", info.id),  # a copy, which outlives the list
    )


def _infos(devices: miniaudio.Devices, kind: DeviceKind) -> list[Any]:
    """What miniaudio's library lists, valid as long as `devices` is alive.

    Its Python part asks for more about each device, and does not tell which one is the default.

    Raises:
        miniaudio.MiniaudioError: the sound system does not answer.
    """
    infos, count = miniaudio.ffi.new("ma_device_info**"), miniaudio.ffi.new("ma_uint32*")
    nothing = (miniaudio.ffi.NULL, miniaudio.ffi.NULL)
    asked = (*nothing, infos, count) if kind is DeviceKind.MICROPHONE else (infos, count, *nothing)
    result = miniaudio.lib.ma_context_get_devices(devices._context, *asked)
    if result != miniaudio.lib.MA_SUCCESS:
        raise miniaudio.MiniaudioError("cannot list devices", result)
    return [infos[0][index] for index in range(count[0])]


def _sample_rates_hz(devices: miniaudio.Devices, kind: DeviceKind, info: Any) -> tuple[int, ...]:
    """The rates of a device.

    Raises:
        miniaudio.MiniaudioError: the sound system does not answer, or not about this one.
    """
    is_microphone = kind is DeviceKind.MICROPHONE
    type_ = miniaudio.DeviceType.CAPTURE if is_microphone else miniaudio.DeviceType.PLAYBACK
    more = miniaudio.ffi.new("ma_device_info*")
    result = miniaudio.lib.ma_context_get_device_info(
        devices._context, type_.value, miniaudio.ffi.addressof(info.id), more
    )
    if result != miniaudio.lib.MA_SUCCESS:  # as of ALSA, which lists devices that do not exist
        raise miniaudio.MiniaudioError("cannot ask about a device", result)
    formats = more.nativeDataFormats
    rates = {formats[index].sampleRate for index in range(more.nativeDataFormatCount)}
    return tuple(sorted(rates - {0}))  # 0 stands for any rate


def _text_of(handle: Any) -> str:
    """The text in miniaudio's id of a device: UTF-16 on Windows, else bytes; ended by a zero."""
    raw = bytes(miniaudio.ffi.buffer(handle))
    if sys.platform == "win32":
        return raw.decode("utf-16-le", "replace").partition("\0")[0]
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
