from __future__ import annotations

import asyncio
import inspect
import threading
from functools import partial

import pytest

from duologue.conversation.handlers import calling as module
from duologue.conversation.handlers.calling import Caller, cleaned_up
from tests.conversation.fakes import Hanging, eventually


async def test_a_plain_function_runs_in_a_thread_of_its_own() -> None:
    thread = await Caller().call(threading.current_thread, "named")
    assert isinstance(thread, threading.Thread)
    assert thread is not threading.current_thread()
    assert thread.name == "named"


async def test_an_async_function_gives_its_coroutine_and_no_thread() -> None:
    async def which(suffix: str) -> str:
        return threading.current_thread().name + suffix

    called = await Caller().call(partial(which, "!"), "named")
    assert inspect.iscoroutine(called)
    assert await called == threading.current_thread().name + "!"


async def test_a_thread_that_nobody_waits_for_counts_until_it_ends() -> None:
    caller, hanging = Caller(), Hanging()
    waiting = asyncio.create_task(caller.call(hanging, "hanging"))
    await eventually(hanging.entered.is_set)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert caller.thread_count == 1
    hanging.release()
    await eventually(lambda: caller.thread_count == 0)


@pytest.mark.parametrize("error", [StopIteration, SystemExit, asyncio.CancelledError])
async def test_what_means_something_to_a_loop_becomes_a_plain_error(
    error: type[BaseException],
) -> None:
    def function() -> None:
        raise error("why")

    with pytest.raises(RuntimeError, match=f"{error.__name__}: why"):
        await Caller().call(function, "raising")


async def test_tasks_that_clean_up_too_long_are_named_in_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CANCELLING_LIMIT_S", 0.01)
    released = asyncio.Event()
    task = asyncio.create_task(released.wait())
    await cleaned_up([task], "handlers")
    assert "1 handlers have not ended within 0.01 s" in caplog.text
    released.set()
    await cleaned_up([task], "handlers")
    assert task.done()
