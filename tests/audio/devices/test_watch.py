from __future__ import annotations

import threading

import pytest

from duologue.audio.devices.watch import (
    CHECK_MS,
    FIRST_CALL_LIMIT_MS,
    LOST_AFTER_MS,
    DeviceWatch,
)


def checks_until_lost(watch: DeviceWatch) -> int:
    return next(count for count in range(1, 10_000) if watch.check())


def test_before_the_first_call_a_device_may_take_five_seconds() -> None:
    watch = DeviceWatch(lambda: None)
    assert (checks_until_lost(watch) - 1) * CHECK_MS == FIRST_CALL_LIMIT_MS


def test_after_250_ms_without_a_call_a_device_is_lost() -> None:
    watch = DeviceWatch(lambda: None)
    watch.alive()
    assert (checks_until_lost(watch) - 1) * CHECK_MS == LOST_AFTER_MS


def test_a_device_that_calls_is_never_lost() -> None:
    watch = DeviceWatch(lambda: None)
    for _ in range(1000):
        watch.alive()
        assert not any(watch.check() for _ in range(LOST_AFTER_MS // CHECK_MS))


def test_a_loss_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.audio.devices.watch.CHECK_MS", 1)
    losses: list[int] = []
    lost = threading.Event()

    def lose() -> None:
        losses.append(1)
        lost.set()

    watch = DeviceWatch(lose)
    watch.alive()
    watch.start()
    assert lost.wait(5)
    watch.stop()
    assert losses == [1]


def test_a_watch_that_is_stopped_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.audio.devices.watch.CHECK_MS", 1)
    losses: list[int] = []
    watch = DeviceWatch(lambda: losses.append(1))
    watch.stop()
    watch.start()
    for thread in threading.enumerate():
        if thread.name == "duologue-device-watch":
            thread.join(5)
    assert losses == []
