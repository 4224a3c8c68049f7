"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from concurrent.futures import CancelledError, wait
from contextvars import ContextVar
from typing import NoReturn

import pytest

from duologue.blocking import loop_thread as module
from duologue.blocking.loop_thread import LoopClosed, LoopThread, run
from tests.blocking.agents import LIMIT_S, until


async def fail() -> NoReturn:
    raise ZeroDivisionError("nothing to divide by")


async def ident() -> int:
    return threading.get_ident()


def test_an_async_function_runs_in_another_thread() -> None:
    assert run(ident, "test") != threading.get_ident()


async def test_it_runs_where_another_loop_is_running() -> None:
    assert run(ident, "test") != threading.get_ident()


def test_what_it_raises_is_raised_with_both_halves_of_the_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match="nothing to divide by") as raised:
        run(fail, "test")
    frames = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert frames[0] == "test_what_it_raises_is_raised_with_both_halves_of_the_traceback"
    assert frames[-1] == "fail"


def test_nothing_is_left_of_it() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    threads: list[threading.Thread] = []

    async def look() -> None:
        loops.append(asyncio.get_running_loop())
        threads.append(threading.current_thread())

    run(look, "test")
    assert loops[0].is_closed()
    assert not threads[0].is_alive()


def test_a_call_sees_its_callers_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")

    async def look() -> str:
        return variable.get()

    assert run(look, "test") == "here"


def test_calls_that_were_taken_are_done_before_the_loop_closes() -> None:
    loop = LoopThread("test")
    release = threading.Event()
    outcome: list[str] = []

    async def wait_for_release() -> str:
        await asyncio.to_thread(release.wait, LIMIT_S)
        return "done"

    caller = threading.Thread(target=lambda: outcome.append(loop.call(wait_for_release)))
    caller.start()
    until(lambda: loop._calls)
    loop.close()
    loop.close()
    with pytest.raises(LoopClosed):
        loop.call(ident)
    assert loop.is_alive()
    release.set()
    caller.join(LIMIT_S)
    loop.join(LIMIT_S)
    assert outcome == ["done"]
    assert not loop.is_alive()


def test_a_call_that_is_interrupted_is_cancelled_and_releases_what_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released: list[str] = []

    async def hold() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            released.append("all")

    def interrupted(*arguments: object) -> object:
        monkeypatch.setattr(module, "wait", wait)
        until(lambda: loop._calls)
        raise KeyboardInterrupt

    loop = LoopThread("test")
    monkeypatch.setattr(module, "wait", interrupted)
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        loop.call(hold)
    assert time.monotonic() - began_s < module.RELEASE_LIMIT_S
    assert released == ["all"]
    loop.close()
    loop.join(LIMIT_S)


def test_a_loop_does_not_wait_for_itself() -> None:
    loop = LoopThread("test")

    async def wait_for_own_loop() -> int:
        return loop.call(ident)

    with pytest.raises(RuntimeError, match="cannot wait for that loop"):
        loop.call(wait_for_own_loop)
    loop.close()
    loop.join(LIMIT_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_loop_that_is_gone() -> None:
    loop = LoopThread("test")

    async def leave() -> None:
        asyncio.get_running_loop().call_soon(exit_)
        await asyncio.sleep(60)

    def exit_() -> NoReturn:
        raise SystemExit

    with pytest.raises((LoopClosed, CancelledError)):
        loop.call(leave)
    loop.join(LIMIT_S)
    with pytest.raises(LoopClosed):
        loop.call(ident)


def test_a_thread_that_cannot_start_leaves_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    def refuse(self: LoopThread) -> None:
        loops.append(self._loop)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(LoopThread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        LoopThread("test")
    assert loops[0].is_closed()


def test_a_loop_that_is_interrupted_as_it_begins_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[LoopThread] = []

    def start(self: LoopThread) -> None:
        loops.append(self)
        threading.Thread.start(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(LoopThread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        LoopThread("test")
    loops[0].join(LIMIT_S)
    assert not loops[0].is_alive()


def test_a_program_waits_for_a_loop_that_a_daemon_began() -> None:
    loops: list[LoopThread] = []
    daemon = threading.Thread(target=lambda: loops.append(LoopThread("test")), daemon=True)
    daemon.start()
    daemon.join(LIMIT_S)
    assert not loops[0].daemon
    loops[0].close()
    loops[0].join(LIMIT_S)
