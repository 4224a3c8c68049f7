"""A live microphone and a live speaker, through miniaudio.

A device is opened by `start` and closed by `stop`. Its loss, and an exception in what it calls, go
to `failed`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import miniaudio

from duologue.audio.devices.advice import advice, obstacle_of
from duologue.audio.devices.listing import (
    DeviceKind,
    devices_available,
    find_device,
    sound_systems,
)
from duologue.audio.devices.playback import PlaybackDevice
from duologue.audio.devices.pulled_blocks import PulledBlocks
from duologue.audio.devices.watch import DeviceWatch
from duologue.audio.endpoints import log_failure
from duologue.errors import DeviceError

__all__ = ["Microphone", "Speaker", "devices_available"]

DEFAULT_RATE_HZ = 48_000
"""What nearly every device runs at, so that the system does not resample."""

SPEAKER_PERIOD_MS = 10
"""How often a speaker asks, where it has no sound server; see `PlaybackDevice` for where it has."""

MICROPHONE_PERIOD_MS = 5
"""How often a microphone delivers, unless it is told otherwise. A chunk of 20 ms is on the wire
when its first sample is 25.5 ms old; with periods of 10 ms it is 30.6 ms."""

MICROPHONE_KEEPS_MS = 200
"""So much a device keeps before any is lost, for programs that hold all up."""

RENDERED_AT_ONCE_MS = 10
"""A sound server asks for 5 ms at a time. With twice as much made every other time, a live call
took 8.9 and 7.9 % of a core where it had taken 9.8 and 8.9 %."""

SPEAKER_PERIODS = 3
"""How many of these are asked for ahead: more would be heard later."""


class _LiveDevice:
    """What microphone and speaker have in common: opening, watching and closing a device."""

    _kind: DeviceKind

    def __init__(
        self, device_id: str | None, sample_rate_hz: int, *, period_ms: int, periods: int
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._period_ms = period_ms
        self._periods = periods
        self.failed: Callable[[Exception], None] = log_failure
        self._device_id = device_id
        self._device: Any = None
        self._watch: DeviceWatch | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Close the device. Without effect if it is not running.

        May be called from any thread but the device's own, so not within `deliver` or `render`.
        """
        with self._lock:
            device, self._device = self._device, None
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        if device is not None:
            _close(device)

    def _open(
        self,
        device_class: Callable[..., Any],
        format_name: str,
        exchange: Callable[[DeviceWatch], Generator[Any, Any, None]],
    ) -> None:
        with self._lock:
            if self._device is not None:
                raise RuntimeError(f"this {self._kind} is running already; stop it first")
            found = find_device(self._kind, self._device_id)
            watch = DeviceWatch(self._report_loss)
            try:
                device = device_class(
                    **{format_name: miniaudio.SampleFormat.SIGNED16},
                    nchannels=1,
                    sample_rate=self.sample_rate_hz,
                    buffersize_msec=self._period_ms,
                    callback_periods=self._periods,
                    device_id=None if found is None else found.handle,
                    backends=sound_systems(),
                    app_name="duologue",
                )
            except miniaudio.MiniaudioError as error:
                raise self._cannot_open(error) from error
            try:
                generator = exchange(watch)
                next(generator)
                device.start(generator)
            except miniaudio.MiniaudioError as error:
                _close(device)
                raise self._cannot_open(error) from error
            self._device = device
            self._watch = watch
            watch.start()

    def _name(self) -> str:
        return (
            f"default {self._kind}"
            if self._device_id is None
            else f"{self._kind} {self._device_id!r}"
        )

    def _cannot_open(self, error: miniaudio.MiniaudioError) -> DeviceError:
        return DeviceError(
            f"The {self._name()} cannot be opened at {self.sample_rate_hz} Hz ({error}). "
            f"{advice(obstacle_of(error))}"
        )

    def _report_loss(self) -> None:
        self.failed(
            DeviceError(
                f"The {self._name()} has gone: it was unplugged, or the sound system has stopped. "
                "Connect it again, or choose another."
            )
        )


class Microphone(_LiveDevice):
    """A source that records from a device. `start` and `stop` may be called from any thread."""

    _kind = DeviceKind.MICROPHONE

    def __init__(
        self,
        device_id: str | None = None,
        *,
        sample_rate_hz: int = DEFAULT_RATE_HZ,
        period_ms: int = MICROPHONE_PERIOD_MS,
    ) -> None:
        """
        Args:
            device_id: the id of a device, its name or a part of the name that no other has; None
                for the system's default.
            sample_rate_hz: the rate to record at; the system converts if the device has another.
            period_ms: how often it delivers: the sooner, the more work it is.
        """
        super().__init__(
            device_id,
            sample_rate_hz,
            period_ms=period_ms,
            periods=MICROPHONE_KEEPS_MS // period_ms,
        )

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Open the device and begin to deliver what it records, one period at a time.

        Raises:
            UnknownDevice: there is no such device.
            DeviceError: there is none at all, or it cannot be opened.
            RuntimeError: it is running already.
        """
        self._open(
            miniaudio.CaptureDevice, "input_format", lambda watch: self._record(watch, deliver)
        )

    def _record(
        self, watch: DeviceWatch, deliver: Callable[[memoryview], None]
    ) -> Generator[None, bytearray, None]:
        while True:
            data = yield
            watch.alive()
            try:
                deliver(memoryview(data))
            except Exception as error:
                # Raised into miniaudio, it would end the sound without a word.
                watch.stop()
                self.failed(error)
                return


class Speaker(_LiveDevice):
    """A sink that plays on a device. `start` and `stop` may be called from any thread."""

    _kind = DeviceKind.SPEAKER

    def __init__(
        self, device_id: str | None = None, *, sample_rate_hz: int = DEFAULT_RATE_HZ
    ) -> None:
        """
        Args:
            device_id: the id of a device, its name or a part of the name that no other has; None
                for the system's default.
            sample_rate_hz: the rate to play at; the system converts if the device has another.
        """
        super().__init__(
            device_id, sample_rate_hz, period_ms=SPEAKER_PERIOD_MS, periods=SPEAKER_PERIODS
        )

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Open the device and begin to ask for what it plays, 10 ms at a time or more.

        Raises:
            UnknownDevice: there is no such device.
            DeviceError: there is none at all, or it cannot be opened.
            RuntimeError: it is running already.
        """
        self._open(PlaybackDevice, "output_format", lambda watch: self._play(watch, render))

    def _play(
        self, watch: DeviceWatch, render: Callable[[int], memoryview]
    ) -> Generator[memoryview, int, None]:
        blocks = PulledBlocks(render, self.sample_rate_hz * RENDERED_AT_ONCE_MS // 1000)
        block = memoryview(b"")
        while True:
            frames = yield block
            watch.alive()
            try:
                block = blocks.render(frames)
            except Exception as error:
                # Raised into miniaudio, it would end the sound without a word.
                watch.stop()
                self.failed(error)
                return


def _close(device: Any) -> None:
    """Close a device and its context: miniaudio leaves the context open, and 62 is its limit."""
    context = device._context
    device.close()
    miniaudio.lib.ma_context_uninit(context)
