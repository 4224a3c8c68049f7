from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from duologue.conversation.sound.device import Device
from duologue.errors import DeviceError
from tests.conversation.fakes import Hanging, eventually


class Calls:
    """A device that notes how it was called, and in which thread."""

    def __init__(
        self, start: Callable[[], None] = lambda: None, stop: Callable[[], None] = lambda: None
    ) -> None:
        self.made: list[str] = []
        self.threads: set[int] = set()
        self._start = start
        self._stop = stop
        self.device = Device("microphone", self._starting, self._stopping)

    def _starting(self) -> None:
        self.threads.add(threading.get_ident())
        self._start()
        self.made.append("start")

    def _stopping(self) -> None:
        self.threads.add(threading.get_ident())
        self._stop()
        self.made.append("stop")


def fail() -> None:
    raise OSError("it is broken")


async def test_a_device_never_works_in_the_thread_of_the_loop() -> None:
    calls = Calls()
    await calls.device.open()
    await calls.device.close()
    assert calls.made == ["start", "stop"]
    assert threading.get_ident() not in calls.threads


async def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    calls = Calls()
    await calls.device.open()
    await calls.device.close()
    await eventually(lambda: set(threading.enumerate()) <= before)


async def test_closing_that_is_cancelled_at_once_stops_the_device() -> None:
    calls = Calls()
    await calls.device.open()
    closing = asyncio.ensure_future(calls.device.close())
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await eventually(lambda: calls.made == ["start", "stop"])


async def test_closing_what_is_not_open_does_nothing() -> None:
    calls = Calls()
    await calls.device.close()
    await calls.device.open()
    await calls.device.close()
    await calls.device.close()
    assert calls.made == ["start", "stop"]


async def test_what_opening_raises_is_raised_and_nothing_is_stopped() -> None:
    calls = Calls(start=fail)
    with pytest.raises(OSError, match="it is broken"):
        await calls.device.open()
    await calls.device.close()
    assert calls.made == []


async def test_what_closing_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls(stop=fail)
    await calls.device.open()
    await calls.device.close()
    assert "the microphone could not be stopped" in caplog.text
    assert "it is broken" in caplog.text


async def test_a_device_that_hangs_as_it_opens_is_given_up_and_stopped_later() -> None:
    hanging = Hanging()
    calls = Calls(start=hanging)
    with pytest.raises(DeviceError, match=r"the microphone did not open within 0\.02 s"):
        await calls.device.open(limit_s=0.02)
    hanging.release()
    await eventually(lambda: calls.made == ["start", "stop"])


async def test_a_device_that_hangs_as_it_closes_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hanging = Hanging()
    calls = Calls(stop=hanging)
    await calls.device.open()
    started_s = time.monotonic()
    await calls.device.close(limit_s=0.02)
    assert time.monotonic() - started_s < 2.0
    assert "the microphone has not stopped within 0.02 s" in caplog.text
    hanging.release()


async def test_cancelling_waits_for_the_device_and_stops_it_again() -> None:
    hanging = Hanging()
    calls = Calls(start=hanging)
    opening = asyncio.create_task(calls.device.open())
    await eventually(hanging.entered.is_set)
    opening.cancel()
    asyncio.get_running_loop().call_later(0.02, hanging.release)
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert calls.made == ["start", "stop"]


async def test_cancelling_is_limited_as_well() -> None:
    hanging = Hanging()
    calls = Calls(start=hanging)
    opening = asyncio.create_task(calls.device.open(limit_s=0.05))
    await eventually(hanging.entered.is_set)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(opening, 5)
    hanging.release()
    await eventually(lambda: calls.made == ["start", "stop"])


def test_a_device_that_hangs_does_not_keep_the_program_from_ending() -> None:
    hanging = Hanging()
    calls = Calls(stop=hanging)

    async def program() -> None:
        await calls.device.open()
        await calls.device.close(limit_s=0.02)

    started_s = time.monotonic()
    asyncio.run(program())  # an executor's thread would be waited for
    assert time.monotonic() - started_s < 5.0
    hanging.release()
