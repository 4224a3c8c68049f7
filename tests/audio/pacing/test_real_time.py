from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.connection import Connection

import pytest

from duologue.audio.pacing.beat import BLOCK_MS, Work
from duologue.audio.pacing.real_time import REAL_TIME


def _fail(error: Exception) -> None:
    raise AssertionError from error


def beats_in(seconds: float) -> int:
    """How often work is done in so long."""
    count = 0

    def work(blocks: int) -> None:
        nonlocal count
        count += 1

    beat = REAL_TIME.beat(Work(name="test", do=work, failed=_fail))
    began_s = time.monotonic()
    beat.start()
    time.sleep(seconds)
    beat.stop()
    assert count <= (time.monotonic() - began_s) * 1000 / BLOCK_MS
    return count


def test_it_is_the_machines_monotonic_clock() -> None:
    before_s = time.monotonic()
    assert before_s <= REAL_TIME.now() <= time.monotonic()


def test_work_is_done_once_a_block() -> None:
    assert beats_in(0.3) >= 5


def test_hundreds_of_beats_take_two_threads() -> None:
    before = threading.active_count()
    work = Work(name="test", do=lambda count: None, failed=_fail)
    beats = [REAL_TIME.beat(work) for _ in range(300)]
    for beat in beats:
        beat.start()
    assert threading.active_count() == before + 2
    for beat in beats:
        beat.stop()
    assert threading.active_count() == before


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_child_that_was_forked_keeps_its_own_time() -> None:
    done = 0

    def work(count: int) -> None:
        nonlocal done
        done += 1

    beat = REAL_TIME.beat(Work(name="of the parent", do=work, failed=_fail))
    beat.start()
    time.sleep(0.05)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_count, args=(theirs,))
    child.start()
    assert ours.poll(10)
    of_child, of_parent = ours.recv()
    child.join(10)
    beat.stop()
    assert of_child >= 3
    assert of_parent == 0


def _count(answer: Connection) -> None:
    answer.send((beats_in(0.3), len(REAL_TIME._ticker.beats)))
