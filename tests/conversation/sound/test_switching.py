from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from duologue.conversation.sound.switching import switched
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError
from tests.conversation.fakes import Hanging, ManualSource, eventually


class SwitchableSource(ManualSource):
    """A microphone that can be switched."""

    def __init__(self, on_switch: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.changed: Callable[[DeviceChange], None] = lambda change: None
        self.switches: list[tuple[str | None, int | None, int]] = []
        self._on_switch = on_switch

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        self._on_switch()
        self.switches.append((device_id, device_rate_hz, threading.get_ident()))


async def test_a_switch_happens_in_a_thread_of_its_own() -> None:
    source = SwitchableSource()
    await switched("microphone", source, "usb", 48_000)
    [(device_id, rate_hz, thread)] = source.switches
    assert (device_id, rate_hz) == ("usb", 48_000)
    assert thread != threading.get_ident()


async def test_what_cannot_be_switched_is_told() -> None:
    with pytest.raises(DeviceError, match="is a ManualSource, which cannot be switched"):
        await switched("microphone", ManualSource(), None, None)


async def test_a_device_that_cannot_be_opened_is_told() -> None:
    def fail() -> None:
        raise DeviceError("busy")

    with pytest.raises(DeviceError, match="busy"):
        await switched("microphone", SwitchableSource(fail), "usb", None)


async def test_a_device_that_hangs_is_given_up() -> None:
    hanging = Hanging()
    source = SwitchableSource(hanging)
    with pytest.raises(DeviceError, match=r"did not open within 0\.05 s"):
        await switched("microphone", source, "usb", None, limit_s=0.05)
    hanging.release()


async def test_cancelling_stops_the_waiting_and_not_the_switch() -> None:
    hanging = Hanging()
    source = SwitchableSource(hanging)
    switching = asyncio.create_task(switched("microphone", source, "usb", None))
    await eventually(hanging.entered.is_set)
    switching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await switching
    hanging.release()
    await eventually(lambda: source.switches)
