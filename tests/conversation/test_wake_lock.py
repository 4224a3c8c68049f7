from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time

import pytest
import wakepy
from wakepy import keep

from duologue.conversation import wake_lock
from duologue.conversation.wake_lock import WakeLock
from tests.conversation.fakes import Hanging, eventually


def held() -> list[wakepy.Mode]:
    """The locks that are really held, now."""
    return [mode for mode in wakepy.global_modes() if mode.active]


@pytest.fixture
def willing_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "duologue")
    return caplog


@pytest.mark.usefixtures("willing_system")
async def test_the_lock_is_held_until_it_is_released() -> None:
    before = held()
    lock = WakeLock()
    lock.acquire()
    await eventually(lambda: len(held()) == len(before) + 1)
    assert held()[-1].name == "keep.presenting"
    await lock.release()
    assert held() == before


@pytest.mark.usefixtures("willing_system")
async def test_releasing_twice_or_what_was_never_acquired_is_harmless() -> None:
    await WakeLock().release()
    lock = WakeLock()
    lock.acquire()
    await lock.release()
    await lock.release()


async def test_without_wakepy_nothing_happens_but_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, debug_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wakepy", None)
    lock = WakeLock()
    lock.acquire()
    await lock.release()
    [record] = debug_log.records
    assert (record.levelno, record.name) == (logging.DEBUG, "duologue")
    assert "wakepy is not installed" in record.getMessage()


async def test_a_refusal_is_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, debug_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAKEPY_FORCE_FAILURE", "1")
    before = held()
    lock = WakeLock()
    lock.acquire()
    await eventually(lambda: "there is no wake lock" in debug_log.text)
    assert held() == before
    await lock.release()
    assert {record.levelno for record in debug_log.records if record.name == "duologue"} == {
        logging.DEBUG
    }


async def test_a_failure_of_wakepy_is_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, debug_log: pytest.LogCaptureFixture
) -> None:
    def fail(**options: object) -> None:
        raise OSError("no bus")

    monkeypatch.setattr(keep, "presenting", fail)
    lock = WakeLock()
    lock.acquire()
    await lock.release()
    assert "the wake lock failed" in debug_log.text
    assert "no bus" in debug_log.text


async def test_a_system_that_hangs_holds_up_neither_beginning_nor_end_for_long(
    monkeypatch: pytest.MonkeyPatch, debug_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wake_lock, "RELEASE_LIMIT_S", 0.05)
    hanging, lock = Hanging(), WakeLock()

    def hang(**options: object) -> None:
        hanging()
        raise OSError("at last")

    monkeypatch.setattr(keep, "presenting", hang)
    started_s = time.monotonic()
    lock.acquire()
    assert time.monotonic() - started_s < 1
    await asyncio.to_thread(hanging.entered.wait, 5)
    await lock.release()
    assert time.monotonic() - started_s < 5
    assert "has not been given back within" in debug_log.text
    hanging.release()
    await eventually(
        lambda: all(thread.name != "duologue wake lock" for thread in threading.enumerate())
    )
