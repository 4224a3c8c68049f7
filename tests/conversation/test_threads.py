from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from duologue.conversation.threads import in_thread
from tests.conversation.fakes import Hanging, eventually


async def test_a_function_runs_in_a_thread_of_its_own() -> None:
    assert await in_thread(threading.get_ident, "test") != threading.get_ident()


async def test_what_a_function_raises_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, "test")


async def test_a_function_sees_its_callers_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")
    assert await in_thread(variable.get, "test") == "here"


@pytest.mark.parametrize("fails", [True, False])
async def test_an_outcome_that_nobody_waits_for_is_forgotten(fails: bool) -> None:
    hanging = Hanging()
    threads: list[threading.Thread] = []

    def work() -> int:
        threads.append(threading.current_thread())
        hanging()
        return 1 // (0 if fails else 1)

    outcome = in_thread(work, "test")
    await eventually(lambda: threads)
    outcome.cancel()
    hanging.release()
    await eventually(lambda: not threads[0].is_alive())
    await asyncio.sleep(0)
    assert outcome.cancelled()
