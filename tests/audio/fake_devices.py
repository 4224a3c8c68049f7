"""Devices for tests: which there are, and what became of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from duologue.audio.devices.supervisor import DeviceChoice
from duologue.audio.endpoints import log_failure
from duologue.errors import DeviceError, UnknownDevice

LIMIT_S = 20.0
HANGING_S = 0.5


class FakeDevice:
    """A device that runs from the moment it is made."""

    def __init__(self, device_id: str | None) -> None:
        self.device_id = device_id
        self.failed: Callable[[Exception], None] = log_failure
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


class FakeMachine:
    """A machine whose devices come and go."""

    def __init__(self, *device_ids: str, default: bool = True) -> None:
        self.device_ids = set(device_ids)
        self.has_default = default
        self.opened: list[FakeDevice] = []
        self.in_use: list[FakeDevice] = []
        self.hangs = threading.Event()

    def open(self, choice: DeviceChoice) -> FakeDevice:
        device_id = choice.device_id
        if self.hangs.is_set():
            time.sleep(HANGING_S)
        if device_id is None and not self.has_default:
            raise DeviceError("this machine has none")
        if device_id is not None and device_id not in self.device_ids:
            raise UnknownDevice(f"there is no {device_id!r}")
        return self._opened(device_id)

    def substitute(self) -> FakeDevice:
        return self._opened("substitute")

    def use(self, device: object) -> None:
        assert isinstance(device, FakeDevice)
        assert not self.in_use or self.in_use[-1].stopped.is_set() or self.is_lost(self.in_use[-1])
        self.in_use.append(device)

    def is_lost(self, device: FakeDevice) -> bool:
        return device.device_id != "substitute" and not (
            self.has_default if device.device_id is None else device.device_id in self.device_ids
        )

    def lose(self, device_id: str | None) -> None:
        """Take a device away, as by pulling a plug."""
        if device_id is None:
            self.has_default = False
        else:
            self.device_ids.remove(device_id)
        self.in_use[-1].failed(DeviceError(f"{device_id} has gone"))

    @property
    def used(self) -> list[str | None]:
        """The ids of what has been in use, in order."""
        return [device.device_id for device in self.in_use]

    @property
    def running(self) -> list[str | None]:
        """The ids of what runs now."""
        return [device.device_id for device in self.opened if not device.stopped.is_set()]

    def _opened(self, device_id: str | None) -> FakeDevice:
        device = FakeDevice(device_id)
        self.opened.append(device)
        return device


def soon(condition: Callable[[], object]) -> None:
    """Wait until something is the case, for 20 s at most."""
    give_up_at_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at_s, "it did not come to pass within 20 s"
        time.sleep(0.002)
