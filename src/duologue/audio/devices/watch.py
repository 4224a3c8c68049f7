"""Notices that a device has gone silent: the loss of a device is reported by nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable

CHECK_MS = 125
"""Each check wakes the processor, of each of two devices."""
LOST_AFTER_MS = 250
"""Devices call every 5 or 10 ms; at a loss the calls just stop. It is noticed after 250 to 375 ms:
within 500 ms."""
FIRST_CALL_LIMIT_MS = 5000
"""An idle device may take seconds to wake up, above all over Bluetooth."""


class DeviceWatch:
    """Calls `lost` once, from a thread of its own, when `alive` has not been called for 250 ms.

    It does so at the next check, so after 375 ms at the latest. Before the first call of `alive`
    the limit is 5 s. The time is counted in checks that were really waited for, so a program that
    held everything up for a while does not look like a loss.
    """

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._limit_checks = FIRST_CALL_LIMIT_MS // CHECK_MS
        self._checks_without_call = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duologue-device-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Report nothing more. May be called from any thread, `lost` included."""
        self._stopping.set()

    def alive(self) -> None:
        """The device has called. To be called from the device's thread."""
        self._checks_without_call = 0
        self._limit_checks = LOST_AFTER_MS // CHECK_MS

    def check(self) -> bool:
        """Count one check; tell whether the device is lost."""
        self._checks_without_call += 1
        return self._checks_without_call > self._limit_checks

    def _run(self) -> None:
        while not self._stopping.wait(CHECK_MS / 1000):
            if self.check():
                self._lost()
                return
