"""Keeps a device in use, whatever becomes of devices.

In use is the one that was chosen; where that cannot be, the system's default; where there is none
either, a substitute that keeps time. Once a second it is seen whether a better one is there again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError, UnknownDevice

_logger = logging.getLogger("duologue")

CHECK_EVERY_S: Final = 1.0
"""How often it is seen whether a device has come back: 0.05 % of a core."""

STOP_LIMIT_S: Final = 2.0
"""How long the end waits for a device that is being opened, which may hang."""


class Running(Protocol):
    """A device that is running, or what stands in for one."""

    failed: Callable[[Exception], None]

    def stop(self) -> None:
        """End it; see `duologue.audio.endpoints`."""


class DeviceChoice(NamedTuple):
    """Which device, and how it is opened.

    Attributes:
        device_id: its id; None for the system's default.
        rate_hz: the rate at which it is to run.
    """

    device_id: str | None
    rate_hz: int

    @property
    def default(self) -> DeviceChoice:
        """The system's default device, opened in the same way."""
        return self._replace(device_id=None)


@dataclass(frozen=True, kw_only=True)
class DeviceActions:
    """What a supervisor may do with devices.

    Attributes:
        open: start a device. What it hears or plays does not count yet. Raises `DeviceError`, and
            `UnknownDevice` if there is none of that id.
        substitute: start what stands in for a device. It does not count yet either.
        use: let this one count from now on. The one before has been stopped, or is lost.
    """

    open: Callable[[DeviceChoice], Running]
    substitute: Callable[[], Running]
    use: Callable[[Running], None]


class DeviceSupervisor:
    """Keeps one device in use. `start`, `switch` and `stop` may be called from any thread.

    Attributes:
        changed: called with what is in use now, once it is another one than was.
        failed: called with what happened, if the device in use is lost; the sound goes on.

    Both are called from threads of the supervisor's, or within `start` and `switch`.
    """

    def __init__(
        self,
        kind: Literal["microphone", "speaker"],
        chosen: DeviceChoice,
        actions: DeviceActions,
        *,
        changed: Callable[[DeviceChange], None],
        failed: Callable[[Exception], None],
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._kind = kind
        self._chosen = chosen
        self._actions = actions
        self._changed = changed
        self._failed = failed
        self._check_every_s = check_every_s
        # Held while devices are opened and closed, and never by the threads of their sound.
        self._lock = threading.Lock()
        self._current: Running | None = None
        self._rank = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the chosen device, or the default if there is none of that id, and look after it.

        Raises:
            DeviceError: no device can be opened.
            RuntimeError: it has been started before.
        """
        with self._lock:
            if self._thread is not None:
                raise RuntimeError(f"this {self._kind} has been started before; make another")
            self._begin_with(self._chosen)
            self._thread = threading.Thread(
                target=self._look_after, name=f"duologue {self._kind}", daemon=True
            )
            self._thread.start()

    def switch(self, choice: DeviceChoice) -> None:
        """Open another device, or the default if there is none of that id, and close this one.

        Several switches come one after another.

        Raises:
            DeviceError: it cannot be opened; the one in use stays so, and stays chosen.
        """
        with self._changing():
            if self._stopping.is_set():
                raise DeviceError(f"The {self._kind} cannot be changed: it has been stopped.")
            previous = self._current
            self._begin_with(choice, stop_before=previous)
            self._chosen = choice
            if self._rank == 0:
                self._changed(DeviceChange(kind=self._kind, device_id=choice.device_id))

    def stop(self) -> None:
        """Close what is in use, within some seconds. Without effect the second time."""
        self._stopping.set()
        self._wake.set()
        if not self._lock.acquire(timeout=STOP_LIMIT_S):
            # A device hangs as it is opened. Whoever opens it closes all once it does open.
            _logger.warning("the %s is still being opened as it is to stop", self._kind)
            return
        try:
            self._close_current()
        finally:
            self._lock.release()

    def _begin_with(self, choice: DeviceChoice, stop_before: Running | None = None) -> None:
        reason = None
        try:
            device = self._open(choice)
        except UnknownDevice as error:
            reason = str(error)
            device = self._open(choice.default)
        self._take(device, rank=0 if reason is None else 1, stop_before=stop_before)
        if reason is not None:
            self._changed(DeviceChange(kind=self._kind, device_id=None, reason=reason))

    def _open(self, choice: DeviceChoice) -> Running:
        device = self._actions.open(choice)
        device.failed = lambda error: self._lost(device, error)
        return device

    def _take(self, device: Running, *, rank: int, stop_before: Running | None) -> None:
        """Let a device take the place of another, which plays or records until that is ready."""
        if stop_before is not None:
            stop_before.stop()
        self._current, self._rank = device, rank
        self._actions.use(device)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Have devices to oneself. What is in use as `stop` gives up waiting is closed here."""
        with self._lock:
            try:
                yield
            finally:
                if self._stopping.is_set():
                    self._close_current()

    def _close_current(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.stop()

    def _lost(self, device: Running, error: Exception) -> None:
        """In a thread of the device's own, which must not stop it."""
        if device is self._current and not self._stopping.is_set():
            self._failed(error)
            threading.Thread(
                target=self._replace,
                args=(device, str(error)),
                name=f"duologue {self._kind} loss",
                daemon=True,
            ).start()

    def _replace(self, lost: Running, reason: str) -> None:
        with self._changing():
            if lost is not self._current or self._stopping.is_set():
                return
            # At once, so that time goes on even if the sound system hangs as it is asked.
            self._take(self._actions.substitute(), rank=len(self._candidates), stop_before=None)
            _stop_in_the_background(lost, self._kind)
            if not self._improve(reason):
                self._changed(
                    DeviceChange(kind=self._kind, device_id=None, reason=reason, available=False)
                )
        self._wake.set()

    def _look_after(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._check_every_s if self._rank else None)
            self._wake.clear()
            with self._changing():
                if self._rank and not self._stopping.is_set():
                    self._improve(f"The {self._kind} that was chosen is not there.")

    @property
    def _candidates(self) -> list[DeviceChoice]:
        """What may be in use, the best first; after them comes the substitute."""
        chosen = self._chosen
        return [chosen] if chosen.device_id is None else [chosen, chosen.default]

    def _improve(self, reason: str) -> bool:
        """Open a better device than the one in use, if there is one; tell whether there is."""
        for rank, choice in enumerate(self._candidates[: self._rank]):
            try:
                device = self._open(choice)
            except DeviceError:
                continue
            self._take(device, rank=rank, stop_before=self._current)
            self._changed(
                DeviceChange(
                    kind=self._kind,
                    device_id=choice.device_id,
                    reason=reason if rank else None,
                )
            )
            return True
        return False


def _stop_in_the_background(device: Running, kind: str) -> None:
    """Close a device that is lost: its driver may hang, and nobody has to wait for it."""

    def stop() -> None:
        try:
            device.stop()
        except Exception:
            _logger.exception("the %s that was lost could not be closed", kind)

    threading.Thread(target=stop, name=f"duologue {kind} close", daemon=True).start()
