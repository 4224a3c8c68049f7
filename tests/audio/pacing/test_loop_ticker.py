from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvloop

from duologue.audio.pacing.beat import Work
from duologue.audio.pacing.hand_over import call_in_loop
from duologue.audio.pacing.loop_ticker import MANY, LoopTicker, keeps_real_time
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.pacing.ticked_beat import TickedBeat
from duologue.audio.pacing.ticker import Ticker
from duologue.testing.virtual_clock import VirtualClock
from tests.conversation.fakes import eventually

LIMIT_S = 10.0


def _fail(error: Exception) -> None:
    raise AssertionError from error


class Thread:
    """Work that notes in which thread it is done."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def __call__(self, blocks: int) -> None:
        self.ids.append(threading.get_ident())


@contextmanager
def ticking(*works: Callable[[int], None], block_ms: int = 10) -> Iterator[list[TickedBeat]]:
    """What a ticker of the running loop does; nothing is left of it afterwards."""
    loop = asyncio.get_running_loop()
    ticker = LoopTicker(Ticker(REAL_TIME), time.monotonic)
    beats = [
        ticker.beat(Work(name="test", do=work, failed=_fail, block_ms=block_ms, loop=loop))
        for work in works
    ]
    threads = threading.active_count()
    for beat in beats:
        beat.start()
    try:
        yield beats
    finally:
        for beat in beats:
            beat.stop()
        assert threading.active_count() == threads


def hold_up_until(condition: Callable[[], bool]) -> None:
    """Let the loop do nothing else until something has happened."""
    until_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until_s, "nobody stands in for the loop"
        time.sleep(0.01)


async def test_work_is_done_in_the_loop() -> None:
    work = Thread()
    with ticking(work):
        await eventually(lambda: len(work.ids) >= 5)
    # The first blocks may be late on a busy machine, and then the thread has done them.
    assert threading.get_ident() in work.ids


async def test_each_has_a_block_of_its_own_length() -> None:
    short, long = Thread(), Thread()
    with ticking(short, block_ms=10), ticking(long, block_ms=40):
        await eventually(lambda: len(long.ids) >= 5)
    assert 12 <= len(short.ids) <= 28


async def test_a_loop_that_is_held_up_is_stood_in_for() -> None:
    work = Thread()
    with ticking(work):
        await eventually(lambda: len(work.ids) >= 2)
        done = len(work.ids)
        hold_up_until(lambda: len(work.ids) >= done + 10)
        by_thread = set(work.ids[done + 1 :])
        assert threading.get_ident() not in by_thread
        before = work.ids.count(threading.get_ident())
        await eventually(lambda: work.ids.count(threading.get_ident()) > before)


async def test_what_work_says_to_its_loop_is_heard_there_after_it() -> None:
    said: list[str] = []
    loop = asyncio.get_running_loop()

    def work(count: int) -> None:
        call_in_loop(loop, said.append, f"heard in {threading.get_ident()}")
        said.append("done")

    with ticking(work):
        await eventually(lambda: len(said) >= 10)
    in_loop = f"heard in {threading.get_ident()}"
    assert in_loop in said
    assert said[0] == "done"


async def test_stop_waits_for_the_block_that_the_thread_does() -> None:
    begun, release = threading.Event(), threading.Event()

    def work(count: int) -> None:
        if threading.current_thread() is not threading.main_thread() and not begun.is_set():
            begun.set()
            release.wait(LIMIT_S)

    with ticking(work) as beats:
        await asyncio.sleep(0.05)
        assert begun.wait(LIMIT_S)  # the loop is held up
        threading.Timer(0.1, release.set).start()
        beats[0].stop()
        assert release.is_set()


async def test_work_of_a_loop_that_has_closed_ends_with_its_stop() -> None:
    work = Thread()
    other = asyncio.new_event_loop()
    other.close()
    ticker = LoopTicker(Ticker(REAL_TIME), time.monotonic)
    beat = ticker.beat(Work(name="test", do=work, failed=_fail, loop=other))
    beat.start()
    await eventually(lambda: len(work.ids) >= 3)
    beat.stop()
    done = len(work.ids)
    await asyncio.sleep(0.05)
    assert len(work.ids) == done


def test_it_works_in_a_loop_of_uvloops() -> None:
    async def main() -> None:
        work = Thread()
        with ticking(work):
            await eventually(lambda: threading.get_ident() in work.ids)
        assert len(work.ids) >= 1

    uvloop.run(main())


@pytest.mark.parametrize(
    ("new_loop", "expected"),
    [
        (asyncio.new_event_loop, True),
        (uvloop.new_event_loop, True),
        (lambda: VirtualClock().new_event_loop(), False),
    ],
)
def test_only_loops_in_real_time_are_worked_in(
    new_loop: Callable[[], asyncio.AbstractEventLoop], expected: bool
) -> None:
    loop = new_loop()
    assert keeps_real_time(loop) is expected
    loop.close()


async def test_of_many_short_blocks_several_are_done_at_once() -> None:
    moved: list[int] = []
    others = [Thread() for _ in range(MANY)]
    began_s = time.monotonic()
    with ticking(moved.append, *others):
        await eventually(lambda: len(moved) >= 10)
        blocks = (time.monotonic() - began_s) * 100
    assert min(moved) >= 3  # four, but for the rounding of a millisecond
    assert blocks - 10 <= sum(moved) <= blocks + 1


async def test_of_many_long_blocks_each_is_done_in_time() -> None:
    moved: list[int] = []
    others = [Thread() for _ in range(MANY)]
    with ticking(moved.append, *others, block_ms=25):
        await eventually(lambda: len(moved) >= 10)
    assert 1 in moved


async def test_what_is_late_is_done_at_once() -> None:
    moved: list[int] = []
    with ticking(moved.append):
        await eventually(lambda: len(moved) >= 2)
        done = len(moved)
        hold_up_until(lambda: len(moved) >= done + 2)
    assert max(moved[done:]) >= 2  # the stand-in looks every 50 ms
