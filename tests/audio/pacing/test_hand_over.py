from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple

import pytest

from duologue.audio.pacing.hand_over import call_in_loop, together

Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often a thread wakes it."""

    wake_ups = 0

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.wake_ups += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def from_a_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    """Do work in a thread, and let the loop run what came of it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    loop.run_until_complete(asyncio.sleep(0))


def test_what_one_thread_says_in_a_round_wakes_a_loop_once() -> None:
    loop = CountingLoop()
    heard: list[int] = []

    def work() -> None:
        with together():
            for number in range(100):
                call_in_loop(loop, heard.append, number)

    from_a_thread(loop, work)
    assert (heard, loop.wake_ups) == (list(range(100)), 1)
    loop.close()


def test_each_loop_gets_its_own() -> None:
    loops = [CountingLoop(), CountingLoop()]
    heard: list[list[int]] = [[], []]

    def work() -> None:
        with together():
            for number in range(10):
                call_in_loop(loops[number % 2], heard[number % 2].append, number)

    from_a_thread(loops[0], work)
    loops[1].run_until_complete(asyncio.sleep(0))
    assert heard == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    for loop in loops:
        assert loop.wake_ups == 1
        loop.close()


def test_outside_a_round_each_call_goes_at_once() -> None:
    loop = CountingLoop()
    heard: list[int] = []

    def work() -> None:
        call_in_loop(loop, heard.append, 1)
        call_in_loop(loop, heard.append, 2)

    from_a_thread(loop, work)
    assert (heard, loop.wake_ups) == ([1, 2], 2)
    loop.close()


def test_what_is_said_after_the_hand_over_goes_at_once_and_later() -> None:
    loop = CountingLoop()
    heard: list[int] = []

    def work() -> None:
        with together() as batch:
            call_in_loop(loop, heard.append, 1)
            batch.hand_over()  # another thread does that, when this one hangs
            call_in_loop(loop, heard.append, 2)

    from_a_thread(loop, work)
    assert (heard, loop.wake_ups) == ([1, 2], 2)
    loop.close()


def test_one_that_raises_does_not_keep_the_others_from_being_called() -> None:
    loop = CountingLoop()
    heard: list[int] = []
    raised: list[Any] = []
    loop.set_exception_handler(lambda loop, context: raised.append(context["exception"]))

    def fail() -> None:
        raise ValueError("no")

    def work() -> None:
        with together():
            call_in_loop(loop, fail)
            call_in_loop(loop, heard.append, 1)

    from_a_thread(loop, work)
    assert heard == [1]
    assert [str(error) for error in raised] == ["no"]
    loop.close()


@pytest.mark.parametrize("in_a_round", [True, False])
def test_a_loop_that_has_closed_is_told_nothing(in_a_round: bool) -> None:
    closed, open_loop = CountingLoop(), CountingLoop()
    heard: list[int] = []
    closed.close()

    def work() -> None:
        if not in_a_round:
            call_in_loop(closed, heard.append, 1)
            return
        with together():
            call_in_loop(closed, heard.append, 1)
            call_in_loop(open_loop, heard.append, 2)

    from_a_thread(open_loop, work)
    assert heard == ([2] if in_a_round else [])
    open_loop.close()
