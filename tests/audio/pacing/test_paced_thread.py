from __future__ import annotations

import threading

import pytest

from duologue.audio.pacing.beat import Work
from duologue.audio.pacing.paced_thread import PacedThread
from tests.audio.virtual_pace import VirtualPace


def work_times_s(pace: VirtualPace, blocks: int, *, work_s: float = 0.0) -> list[float]:
    """When each of so many blocks of 20 ms was worked on, if each takes `work_s`."""
    times_s: list[float] = []
    done = threading.Event()

    def work(count: int) -> None:
        times_s.append(round(pace.now() - 100.0, 6))
        pace.time_s += work_s
        if len(times_s) == blocks:
            thread.stop()
            done.set()

    def fail(error: Exception) -> None:
        raise AssertionError from error

    thread = PacedThread(Work(name="test", do=work, failed=fail, block_ms=20), pace)
    thread.start()
    assert done.wait(5)
    thread.stop()
    return times_s


def test_the_first_block_is_due_after_one_block() -> None:
    assert work_times_s(VirtualPace(), 3) == [0.02, 0.04, 0.06]


def test_work_that_takes_time_does_not_shift_the_next_block() -> None:
    assert work_times_s(VirtualPace(), 3, work_s=0.007) == [0.02, 0.04, 0.06]


def test_a_thousand_blocks_do_not_drift() -> None:
    assert work_times_s(VirtualPace(), 1000, work_s=0.0003)[-1] == pytest.approx(20.0)


def test_a_late_thread_catches_up() -> None:
    late_at_second_block = VirtualPace({1: 0.05})
    times_s = work_times_s(late_at_second_block, 6)
    assert times_s == pytest.approx([0.02, 0.09, 0.09, 0.09, 0.10, 0.12])


def test_after_a_long_sleep_of_the_machine_it_goes_on_from_now() -> None:
    asleep_for_an_hour = VirtualPace({1: 3600.0})
    times_s = work_times_s(asleep_for_an_hour, 60)
    caught_up_at_once = sum(1 for time_s in times_s if time_s == pytest.approx(3600.04))
    assert caught_up_at_once <= 2
    assert times_s[-1] == pytest.approx(3600.04 + 57 * 0.02, abs=0.021)


def test_an_exception_in_the_work_ends_the_thread_and_is_reported() -> None:
    failures: list[Exception] = []
    failed = threading.Event()
    calls = 0

    def work(count: int) -> None:
        nonlocal calls
        calls += 1
        raise OSError("disk full")

    def fail(error: Exception) -> None:
        failures.append(error)
        failed.set()

    thread = PacedThread(Work(name="test", do=work, failed=fail), VirtualPace())
    thread.start()
    assert failed.wait(5)
    thread.stop()
    assert (calls, [str(error) for error in failures]) == (1, ["disk full"])


def test_stop_returns_when_the_thread_has_ended() -> None:
    calls: list[float] = []
    pace = VirtualPace()
    work = Work(name="test", do=lambda blocks: calls.append(pace.now()), failed=_fail)
    thread = PacedThread(work, pace)
    thread.start()
    thread.stop()
    after_stop = len(calls)
    assert "test" not in [other.name for other in threading.enumerate()]
    assert len(calls) == after_stop


def test_work_that_does_not_return_is_named_in_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("duologue.audio.pacing.paced_thread.STOP_LIMIT_S", 0.01)
    working, release = threading.Event(), threading.Event()

    def work(count: int) -> None:
        working.set()
        release.wait(5)

    thread = PacedThread(Work(name="stuck", do=work, failed=_fail), VirtualPace())
    thread.start()
    assert working.wait(5)
    thread.stop()
    release.set()
    thread.stop()
    assert "thread stuck still works" in caplog.text


def _fail(error: Exception) -> None:
    raise AssertionError from error
