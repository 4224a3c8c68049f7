"""Programs that end under a session: each is the whole of an `asyncio.run`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from duologue.dialogue.values import Status
from tests.leaks.ends import Way
from tests.leaks.stage import Stage
from tests.leaks.starts import Steps


async def right_after_the_start(stage: Stage) -> None:
    await stage.start("talks")


async def while_the_agent_talks(stage: Stage) -> None:
    conversation = await stage.start("talks on")
    await anext(aiter(conversation))
    await asyncio.sleep(0.02)


async def while_another_task_holds_the_session(stage: Stage) -> None:
    async def hold() -> None:
        async with stage.start("talks") as conversation:
            begun.set()
            await conversation.wait_until_ended()

    begun = asyncio.Event()
    holding = asyncio.create_task(hold())
    await begun.wait()
    assert not holding.done()


async def as_the_user_begins_to_end(stage: Stage) -> None:
    conversation = await stage.start("talks")
    ending = asyncio.create_task(conversation.end_session())
    await asyncio.sleep(0)
    assert not conversation.is_open()
    assert not ending.done()


async def as_the_agent_ends(stage: Stage) -> None:
    def changed(status: Status) -> None:
        if status is Status.DISCONNECTING:
            over.set()

    over = asyncio.Event()
    conversation = await stage.start("closes 1000", on_status_change=changed)
    conversation.send_user_message("Go on.")
    await over.wait()


async def while_a_callback_hangs(stage: Stage) -> None:
    async def hang(*_: object) -> None:
        hanging.set()
        await asyncio.Event().wait()

    hanging = asyncio.Event()
    await stage.start("talks", on_connect=hang)
    await hanging.wait()


async def while_a_tool_runs(stage: Stage) -> None:
    async def tool() -> None:
        running.set()
        await asyncio.Event().wait()

    running = asyncio.Event()
    conversation = await stage.start("calls a tool", client_tools={"tool": tool})
    conversation.send_user_message("Go on.")
    await running.wait()


def in_the_middle_of_a_start(step: int) -> Way:
    """The program ends while another task has waited `step` times in its start."""

    async def way(stage: Stage) -> None:
        def tell(number: int) -> None:
            if number == step:
                reached.set()

        reached = asyncio.Event()
        starting = asyncio.create_task(_awaited(Steps(stage.start("talks"), tell)))
        either: list[asyncio.Task[Any]] = [starting, asyncio.create_task(reached.wait())]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    way.__name__ = f"in_the_middle_of_a_start_at_{step}"
    return way


async def _awaited(start: Steps) -> Any:
    return await start


async def with_a_start_cancelled_just_before(stage: Stage) -> None:
    starting = asyncio.create_task(_awaited(Steps(stage.start("talks"))))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(starting), 0.005)
    starting.cancel()


SHUTDOWNS: list[Way] = [
    right_after_the_start,
    while_the_agent_talks,
    while_another_task_holds_the_session,
    as_the_user_begins_to_end,
    as_the_agent_ends,
    while_a_callback_hangs,
    while_a_tool_runs,
    with_a_start_cancelled_just_before,
    *[in_the_middle_of_a_start(step) for step in range(1, 9)],
]
