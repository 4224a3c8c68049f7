"""A microphone and a speaker for a conversation: they can be switched, and outlive their devices.

They are a source and a sink like any other, except that a device that is lost does not end them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from duologue.audio.devices.hardware import MICROPHONE_PERIOD_MS, Microphone, Speaker
from duologue.audio.devices.pulled_resampler import PulledResampler
from duologue.audio.devices.substitutes import SilentSource, UnheardSink
from duologue.audio.devices.supervisor import (
    CHECK_EVERY_S,
    DeviceActions,
    DeviceChoice,
    DeviceSupervisor,
    Running,
)
from duologue.audio.endpoints import log_failure
from duologue.audio.gain import RampedGain
from duologue.audio.resample import Resampler
from duologue.audio.samples import bytes_from_samples, samples_from_bytes, silence
from duologue.dialogue.values import DeviceChange

FILLED_S: Final = 1.0
"""So much silence fills a gap at most, between one device and the next."""

FADE_MS: Final = 5
"""So long the sound fades on a speaker that is left, and on the one that follows."""

FADE_LIMIT_S: Final = 0.05
"""How long a speaker may take to ask for the block that fades: it asks every 10 ms."""


def _ignore_change(change: DeviceChange) -> None:
    """Nobody wants to know."""


class LiveMicrophone:
    """A source that records from a device, and from another one when that is lost or changed.

    Between one device and the next, silence takes the place of what nobody has recorded, so that
    the stream keeps the pace of real time.

    Attributes:
        sample_rate_hz: samples a second of what it delivers, whatever the device.
        failed: called when a device is lost; the next one follows.
        changed: called when another device is in use.
    """

    def __init__(
        self,
        device_id: str | None = None,
        *,
        sample_rate_hz: int,
        period_ms: int = MICROPHONE_PERIOD_MS,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        """
        Args:
            device_id: the id of a device, its name or a part of the name that no other has; None
                for the system's default.
            period_ms: how often it delivers.
            check_every_s: how often it is seen whether a lost device has come back.
        """
        self.sample_rate_hz = sample_rate_hz
        self._period_ms = period_ms
        self.failed: Callable[[Exception], None] = log_failure
        self.changed: Callable[[DeviceChange], None] = _ignore_change
        self._deliver: Callable[[memoryview], None] | None = None
        self._in_use: Running | None = None
        self._delivered_until_s: float | None = None
        self._resumes = False
        self._supervisor = DeviceSupervisor(
            "microphone",
            DeviceChoice(device_id, sample_rate_hz),
            DeviceActions(open=self._open, substitute=self._substitute, use=self._use),
            changed=lambda change: self.changed(change),
            failed=lambda error: self.failed(error),
            check_every_s=check_every_s,
        )

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Open the device and begin to deliver; of an id that does not exist, the default.

        Raises:
            DeviceError: no microphone can be opened.
            RuntimeError: it has been started before.
        """
        self._deliver = deliver
        self._supervisor.start()

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        """Go on with another device; see `duologue.audio.endpoints.Switchable`."""
        self._supervisor.switch(DeviceChoice(device_id, device_rate_hz or self.sample_rate_hz))

    def stop(self) -> None:
        """Deliver nothing more, and close the device."""
        self._supervisor.stop()

    def _open(self, choice: DeviceChoice) -> Running:
        microphone = Microphone(
            choice.device_id, sample_rate_hz=choice.rate_hz, period_ms=self._period_ms
        )
        resampler = Resampler(choice.rate_hz, self.sample_rate_hz)

        def heard(data: memoryview) -> None:
            self._heard(microphone, data)

        def heard_at_another_rate(data: memoryview) -> None:
            heard(bytes_from_samples(resampler.push(samples_from_bytes(data))))

        is_same = choice.rate_hz == self.sample_rate_hz
        microphone.start(heard if is_same else heard_at_another_rate)
        return microphone

    def _substitute(self) -> Running:
        source = SilentSource(self.sample_rate_hz)
        source.start(lambda data: self._heard(source, data))
        return source

    def _use(self, source: Running) -> None:
        self._resumes = True
        self._in_use = source

    def _heard(self, source: Running, data: memoryview) -> None:
        """In the thread of a device. Only that of the one in use gets further."""
        if source is not self._in_use or self._deliver is None:
            return
        now_s = time.monotonic()
        if self._resumes:
            self._resumes = False
            self._fill_gap(self._deliver, now_s - data.nbytes / 2 / self.sample_rate_hz)
        self._deliver(data)
        self._delivered_until_s = now_s

    def _fill_gap(self, deliver: Callable[[memoryview], None], until_s: float) -> None:
        if self._delivered_until_s is None:
            return
        missing_s = min(FILLED_S, until_s - self._delivered_until_s)
        if missing_s > 0:
            deliver(bytes_from_samples(silence(round(missing_s * self.sample_rate_hz))))


class LiveSpeaker:
    """A sink that plays on a device, and on another one when that is lost or changed.

    Where there is none, what there is to play is taken at the same pace, and nobody hears it.

    Attributes:
        sample_rate_hz: samples a second of what it asks for, whatever the device.
        failed: called when a device is lost; the next one follows.
        changed: called when another device is in use.
    """

    def __init__(
        self,
        device_id: str | None = None,
        *,
        sample_rate_hz: int,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        """
        Args:
            device_id: the id of a device, its name or a part of the name that no other has; None
                for the system's default.
            check_every_s: how often it is seen whether a lost device has come back.
        """
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self.changed: Callable[[DeviceChange], None] = _ignore_change
        self._render: Callable[[int], memoryview] | None = None
        self._in_use: Running | None = None
        self._fade = RampedGain(sample_rate_hz, ramp_ms=FADE_MS)
        self._faded = threading.Event()
        self._supervisor = DeviceSupervisor(
            "speaker",
            DeviceChoice(device_id, sample_rate_hz),
            DeviceActions(open=self._open, substitute=self._substitute, use=self._use),
            changed=lambda change: self.changed(change),
            failed=lambda error: self.failed(error),
            check_every_s=check_every_s,
        )

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Open the device and begin to ask for samples; of an id that does not exist, the default.

        Raises:
            DeviceError: no speaker can be opened.
            RuntimeError: it has been started before.
        """
        self._render = render
        self._supervisor.start()

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        """Go on with another device; see `duologue.audio.endpoints.Switchable`."""
        self._supervisor.switch(DeviceChoice(device_id, device_rate_hz or self.sample_rate_hz))

    def stop(self) -> None:
        """Ask for nothing more, and close the device."""
        self._supervisor.stop()

    def _open(self, choice: DeviceChoice) -> Running:
        speaker = Speaker(choice.device_id, sample_rate_hz=choice.rate_hz)
        sink = _FadingSink(speaker, self._fade_out)

        def render(frames: int) -> memoryview:
            return self._rendered(sink, frames)

        if choice.rate_hz == self.sample_rate_hz:
            speaker.start(render)
        else:
            speaker.start(PulledResampler(render, self.sample_rate_hz, choice.rate_hz).render)
        return sink

    def _substitute(self) -> Running:
        sink = UnheardSink(self.sample_rate_hz)
        sink.start(lambda frames: self._rendered(sink, frames))
        return sink

    def _use(self, sink: Running) -> None:
        self._faded.clear()
        self._fade.ramp(0.0, 1.0)
        self._in_use = sink

    def _fade_out(self, sink: Running) -> None:
        """Let what the speaker in use still plays fade, and give it no more."""
        if sink is self._in_use:
            self._fade.target = 0.0
            self._faded.wait(FADE_LIMIT_S)

    def _rendered(self, sink: Running, frames: int) -> memoryview:
        """In the thread of a device. Only the one in use is given sound."""
        if sink is not self._in_use or self._render is None:
            return bytes_from_samples(silence(frames))
        rendered = self._render(frames)
        if self._fade.is_full:
            return rendered
        block = self._fade.apply(samples_from_bytes(rendered))
        if self._fade.is_silent:
            self._in_use = None
            self._faded.set()
        return bytes_from_samples(block)


class _FadingSink:
    """A sink that is let fade before it is stopped."""

    def __init__(self, sink: Speaker, fade_out: Callable[[Running], None]) -> None:
        self.failed: Callable[[Exception], None] = log_failure
        self._sink = sink
        self._fade_out = fade_out
        sink.failed = lambda error: self.failed(error)

    def stop(self) -> None:
        self._fade_out(self)
        self._sink.stop()
