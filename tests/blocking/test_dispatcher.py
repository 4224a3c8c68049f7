"""The thread in which callbacks run, and callbacks made ready for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from duologue.blocking.dispatcher import Dispatcher, adapted_options


def same(value: object) -> object:
    return value


async def test_functions_run_one_after_another_in_one_thread() -> None:
    dispatcher = Dispatcher()
    threads = [await dispatcher.run(threading.current_thread) for _ in range(3)]
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert await dispatcher.run(dispatcher.is_current)
    assert not dispatcher.is_current()
    dispatcher.close()
    dispatcher.join(5)
    assert threads[0] not in threading.enumerate()


async def test_without_functions_there_is_no_thread() -> None:
    dispatcher = Dispatcher()
    dispatcher.close()
    dispatcher.join(5)
    assert not dispatcher.is_current()


async def test_the_loop_goes_on_while_a_function_blocks() -> None:
    dispatcher = Dispatcher()
    release = threading.Event()
    running = asyncio.create_task(dispatcher.run(partial(release.wait, 5)))
    await asyncio.sleep(0.01)
    assert not running.done()
    release.set()
    assert await running is True
    dispatcher.close()


async def coroutine_function(*arguments: object) -> None: ...


class WithAsyncCall:
    async def __call__(self, *arguments: object) -> None: ...


@pytest.mark.parametrize(
    "callback", [coroutine_function, partial(coroutine_function, 1), WithAsyncCall()]
)
def test_a_coroutine_function_is_no_callback_here(callback: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"on_message is a coroutine.*use duologue\.Conversation"):
        adapted_options({"on_message": callback}, Dispatcher(), same)


async def test_a_callback_that_returns_a_coroutine_is_told_of() -> None:
    dispatcher = Dispatcher()
    options = adapted_options({"on_ping": lambda: coroutine_function()}, dispatcher, same)
    with pytest.raises(TypeError, match="on_ping returned a coroutine"):
        await options["on_ping"]()
    dispatcher.close()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, StopIteration, ValueError])
async def test_what_a_callback_raises_reaches_the_loop_and_stops_neither(
    error: type[BaseException],
) -> None:
    def fail() -> None:
        raise error("enough")

    dispatcher = Dispatcher()
    options = adapted_options({"on_ping": fail}, dispatcher, same)
    expected = ValueError if error is ValueError else RuntimeError
    with pytest.raises(expected, match="enough"):
        await options["on_ping"]()
    assert await dispatcher.run(lambda: "goes on") == "goes on"
    dispatcher.close()


def test_other_options_stay_as_they_are() -> None:
    options = {"agent_id": "a", "on_message": None, "on_ping": "no function", "speaker": print}
    assert adapted_options(options, Dispatcher(), same) == options


async def test_who_approves_may_take_their_time_or_be_async() -> None:
    asked: list[threading.Thread] = []

    def approve(event: object) -> bool:
        asked.append(threading.current_thread())
        return event == "event"

    async def approve_async(event: object) -> bool:
        asked.append(threading.current_thread())
        return event == "event"

    dispatcher = Dispatcher()
    for handler in (approve, approve_async):
        options: dict[str, Any] = {"on_mcp_tool_approval_request": handler}
        ready = adapted_options(options, dispatcher, same)["on_mcp_tool_approval_request"]
        assert await ready("event") is True
    assert asked[0] is not threading.current_thread()
    assert asked[1] is threading.current_thread()
