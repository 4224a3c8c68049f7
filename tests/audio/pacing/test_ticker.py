from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from duologue.audio.pacing.beat import BLOCK_MS, Work
from duologue.audio.pacing.hand_over import call_in_loop
from duologue.audio.pacing.ticked_beat import TickedBeat
from duologue.audio.pacing.ticker import Slowness, Ticker

LIMIT_S = 10.0


class Monotonic:
    """The machine's clock, whose waits can be made longer than they were asked to be."""

    def __init__(self) -> None:
        self.lag_s = 0.0

    def now(self) -> float:
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        lag_s, self.lag_s = self.lag_s, 0.0
        return stop.wait(seconds + lag_s)


class Counter:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0
        self.times_s: list[float] = []

    def __call__(self, blocks: int = 1) -> None:
        self.done += 1
        self.times_s.append(time.monotonic())

    def longest_gap_s(self) -> float:
        """The longest time without work, between the first and the last."""
        return max(later - one for one, later in zip(self.times_s, self.times_s[1:], strict=False))


class Blocking(Counter):
    """Work that blocks when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks_at = 5
        self.release = threading.Event()
        self.is_blocked = threading.Event()

    def __call__(self, blocks: int = 1) -> None:
        super().__call__(blocks)
        if self.done == self.blocks_at:
            self.is_blocked.set()
            self.release.wait(LIMIT_S)


def _fail(error: Exception) -> None:
    raise AssertionError from error


@contextmanager
def ticking(*works: Callable[[int], None]) -> Iterator[tuple[Ticker, list[TickedBeat]]]:
    """A ticker that does this work, and nothing is left of it afterwards."""
    ticker = Ticker(Monotonic())
    beats = [
        ticker.beat(Work(name=f"work {at}", do=work, failed=_fail)) for at, work in enumerate(works)
    ]
    for beat in beats:
        beat.start()
    try:
        yield ticker, beats
    finally:
        for beat in beats:
            beat.stop()
        names = ("duologue pace", *(beat.work.name for beat in beats))
        until(lambda: not any(thread.name.startswith(names) for thread in threading.enumerate()))


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is to come."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it has not come"
        time.sleep(0.001)


def pace_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "duologue pace"]


def test_the_first_block_is_due_after_one_block() -> None:
    first, later = Counter(), Counter()
    began_s = time.monotonic()
    with ticking(first) as (ticker, _):
        until(lambda: first.done > 0)
        began_later_s = time.monotonic()
        beat = ticker.beat(Work(name="later", do=later, failed=_fail))
        beat.start()
        until(lambda: later.done > 0)
        beat.stop()
    assert first.times_s[0] - began_s >= BLOCK_MS / 1000
    assert later.times_s[0] - began_later_s >= BLOCK_MS / 1000 - 1e-3


def test_all_work_is_done_in_one_thread_and_equally_often() -> None:
    threads: set[int] = set()
    counters = [Counter() for _ in range(50)]

    def noting(counter: Counter) -> Callable[[int], None]:
        def work(count: int) -> None:
            threads.add(threading.get_ident())
            counter()

        return work

    with ticking(*map(noting, counters)):
        until(lambda: counters[-1].done >= 20)
    assert len(threads) == 1
    assert max(one.done for one in counters) - min(one.done for one in counters) <= 3


def test_what_is_late_is_caught_up_with() -> None:
    counter = Counter()
    with ticking(counter) as (ticker, _):
        until(lambda: counter.done >= 3)
        began_s, done = time.monotonic(), counter.done
        clock = ticker._clock
        assert isinstance(clock, Monotonic)
        clock.lag_s = 0.3
        until(lambda: time.monotonic() - began_s > 0.6)
        blocks = (time.monotonic() - began_s) * 1000 / BLOCK_MS
        until(lambda: counter.done - done >= blocks - 2)
    assert counter.longest_gap_s() >= 0.2


def test_after_a_long_sleep_of_the_machine_it_goes_on_from_now() -> None:
    counter = Counter()
    with ticking(counter) as (ticker, _):
        until(lambda: counter.done >= 3)
        clock = ticker._clock
        assert isinstance(clock, Monotonic)
        done = counter.done
        clock.lag_s = 1.5
        until(lambda: counter.longest_gap_s() > 1.2)
    assert counter.done - done < 50


def test_stop_waits_for_the_block_that_is_under_way() -> None:
    work, other = Blocking(), Counter()
    with ticking(work, other) as (_, beats):
        assert work.is_blocked.wait(LIMIT_S)
        threading.Timer(0.1, work.release.set).start()
        began_s = time.monotonic()
        beats[0].stop()
        assert time.monotonic() - began_s > 0.05
        assert work.release.is_set()
        done = work.done
        until(lambda: other.done > 20)
        assert work.done == done


def test_work_may_stop_itself() -> None:
    done = 0

    def work(count: int) -> None:
        nonlocal done
        done += 1
        if done == 3:
            beats[0].stop()

    other = Counter()
    with ticking(work, other) as (_, beats):
        until(lambda: other.done > 10)
    assert done == 3


def test_the_last_one_to_stop_leaves_no_thread() -> None:
    with ticking(Counter(), Counter()) as (_, beats):
        assert len(pace_threads()) == 1
        for beat in beats:
            beat.stop()
        assert pace_threads() == []


def test_a_ticker_begins_anew() -> None:
    with ticking(Counter()) as (ticker, beats):
        beats[0].stop()
        again = Counter()
        beat = ticker.beat(Work(name="again", do=again, failed=_fail))
        beat.start()
        until(lambda: again.done > 3)
        beat.stop()


def test_an_exception_ends_the_work_and_is_reported_and_others_go_on() -> None:
    failures: list[str] = []
    other = Counter()

    def work(count: int) -> None:
        raise OSError("disk full")

    with ticking(other) as (ticker, _):
        failing = ticker.beat(
            Work(name="failing", do=work, failed=lambda error: failures.append(str(error)))
        )
        failing.start()
        until(lambda: bool(failures))
        done = other.done
        until(lambda: other.done > done + 10)
        failing.stop()
    assert failures == ["disk full"]


def test_whoever_fails_to_hear_of_a_failure_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    other = Counter()

    def work(count: int) -> None:
        raise OSError("disk full")

    with ticking(other) as (ticker, _):
        failing = ticker.beat(Work(name="failing", do=work, failed=_fail))
        failing.start()
        until(lambda: "failing failed has failed itself" in caplog.text)
        done = other.done
        until(lambda: other.done > done + 10)


def test_whoever_hangs_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    before, hanging, after = Counter(), Blocking(), Counter()
    with ticking(before, hanging, after) as (_, beats):
        assert hanging.is_blocked.wait(LIMIT_S)
        done = before.done, after.done
        until(lambda: before.done > done[0] + 50 and after.done > done[1] + 50)
        assert not hanging.release.is_set()
        hanging.release.set()
        until(lambda: hanging.done > 20)
        beats[1].stop()
        done_by_hanging = hanging.done
        until(lambda: before.done > done[0] + 100)
        assert hanging.done == done_by_hanging
    assert "work 1 blocks" in caplog.text
    assert abs(before.done - after.done) <= 3


def test_whoever_hangs_does_not_keep_back_what_others_have_said() -> None:
    heard = threading.Event()
    hanging = Blocking()
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()

    def say(blocks: int) -> None:
        if hanging.done == hanging.blocks_at - 1:
            call_in_loop(loop, heard.set)

    with ticking(say, hanging):
        assert heard.wait(LIMIT_S)
        assert not hanging.release.is_set()
        hanging.release.set()
    loop.call_soon_threadsafe(loop.stop)
    running.join(LIMIT_S)
    loop.close()


def test_whoever_is_slow_again_and_again_gets_a_thread_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    threads: list[int] = []
    other_threads: list[int] = []

    def slow(blocks: int) -> None:
        threads.append(threading.get_ident())
        time.sleep(0.025)

    with ticking(slow, lambda blocks: other_threads.append(threading.get_ident())):
        until(lambda: len(threads) > 20)
        until(lambda: len(other_threads) > 50)
        assert threads[-1] != other_threads[-1]
    assert caplog.text.count("work 0 blocks") == 1


def test_to_be_slow_now_and_then_is_no_habit() -> None:
    ticker, slowness = Ticker(Monotonic()), Slowness()
    beat, other = (ticker.beat(Work(name="slow", do=Counter(), failed=_fail)) for _ in range(2))
    assert not any(slowness.is_habit(beat, at_s, 0.07) for at_s in (1.0, 1.6, 2.1, 2.7))
    assert not slowness.is_habit(other, 2.7, 0.14)
    habits = [slowness.is_habit(beat, at_s, 0.07) for at_s in (4.0, 4.2, 4.4)]
    assert habits == [False, False, True]


def test_nobody_is_moved_where_there_is_nobody_to_hold_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alone = Blocking()
    with ticking(alone):
        assert alone.is_blocked.wait(LIMIT_S)
        time.sleep(0.3)
        alone.release.set()
        until(lambda: alone.done > 10)
    assert "blocks" not in caplog.text


def test_work_that_does_not_return_is_named_in_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("duologue.audio.pacing.ticked_beat.STOP_LIMIT_S", 0.01)
    stuck = Blocking()
    with ticking(stuck) as (_, beats):
        assert stuck.is_blocked.wait(LIMIT_S)
        beats[0].stop()
        assert "work 0 still works" in caplog.text
        stuck.release.set()
