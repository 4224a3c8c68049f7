"""Every way in which a session that runs can end, each with the end that it must have."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from duologue.conversation.telling.callbacks import Callbacks
from duologue.dialogue.values import Disconnection
from duologue.errors import ConversationEnded
from tests.conversation.fakes import eventually
from tests.leaks.stage import Stage, breaking_microphone, breaking_speaker

Way = Callable[[Stage], Awaitable[None]]

BY_USER = Disconnection(reason="user")
LIMIT_S = 10.0


async def ended(conversation: Any, expected: Disconnection) -> None:
    """Wait for the end, and see that it is the one that was to be."""
    async with asyncio.timeout(LIMIT_S):
        assert await conversation.wait_until_ended() == expected
    assert conversation.disconnection == expected


async def end_session(stage: Stage) -> None:
    conversation = await stage.start("talks")
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def end_session_while_the_agent_talks(stage: Stage) -> None:
    conversation = await stage.start("talks on")
    await asyncio.sleep(0.05)
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def end_session_with_messages_on_their_way(stage: Stage) -> None:
    conversation = await stage.start("talks")
    for _ in range(100):
        conversation.send_user_message("Hello. " * 100)
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def end_session_twice_at_once(stage: Stage) -> None:
    conversation = await stage.start("talks")
    await asyncio.gather(conversation.end_session(), conversation.end_session())
    await ended(conversation, BY_USER)


async def end_session_cancelled(stage: Stage) -> None:
    conversation = await stage.start("talks")
    ending = asyncio.create_task(conversation.end_session())
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    await ended(conversation, BY_USER)


async def the_block_is_left(stage: Stage) -> None:
    async with stage.start("talks") as conversation:
        conversation.send_user_message("Hello.")
    await ended(conversation, BY_USER)


async def the_block_is_left_by_an_exception(stage: Stage) -> None:
    async def program() -> None:
        async with stage.start("talks") as conversation:
            conversations.append(conversation)
            raise ZeroDivisionError

    conversations: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        await program()
    await ended(conversations[0], BY_USER)


async def the_block_is_cancelled(stage: Stage) -> None:
    async def program() -> None:
        async with stage.start("talks") as conversation:
            begun.set_result(conversation)
            await conversation.wait_until_ended()

    begun: asyncio.Future[Any] = asyncio.Future()
    running = asyncio.create_task(program())
    conversation = await begun
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await ended(conversation, BY_USER)


def by_the_agent(script: str, expected: Disconnection) -> Way:
    """The agent ends the session after the user's first message."""

    async def way(stage: Stage) -> None:
        conversation = await stage.start(script)
        conversation.send_user_message("Go on.")
        await ended(conversation, expected)

    way.__name__ = script.replace(" ", "_")
    return way


def closed(code: int, reason: str | None, message: str | None) -> Disconnection:
    """The end of a session that the server has closed."""
    context = {"type": "close", "code": code} | ({"reason": reason} if reason else {})
    return Disconnection(
        reason="agent" if code == 1000 else "error",
        message=message,
        close_code=code,
        close_reason=reason,
        context=context,
    )


HUNG_UP = Disconnection(
    reason="agent",
    context={"type": "end_call", "reason": "the agent ended the call with its tool"},
)
TOO_LONG = Disconnection(
    reason="error",
    message="ten minutes are over",
    context={"type": "max_duration_exceeded"},
)


async def the_user_and_the_agent_end_at_once(stage: Stage) -> None:
    conversation = await stage.start("closes 1000")
    conversation.send_user_message("Go on.")
    await asyncio.sleep(0.002)
    await conversation.end_session()
    assert conversation.disconnection in (BY_USER, closed(1000, "that was all", None))


async def inside_a_callback(stage: Stage) -> None:
    async def end(*_: object) -> None:
        await conversations[0].end_session()

    conversations: list[Any] = []
    conversation = await stage.start(
        "talks", on_conversation_created=conversations.append, on_connect=end
    )
    await ended(conversation, BY_USER)


async def inside_an_async_tool(stage: Stage) -> None:
    async def tool() -> None:
        await conversation.end_session()

    conversation = await stage.start("calls a tool", client_tools={"tool": tool})
    conversation.send_user_message("Go on.")
    await ended(conversation, BY_USER)


async def inside_a_tool_of_its_own_thread(stage: Stage) -> None:
    def tool() -> None:
        asyncio.run_coroutine_threadsafe(conversation.end_session(), loop).result(LIMIT_S)

    loop = asyncio.get_running_loop()
    conversation = await stage.start("calls a tool", client_tools={"tool": tool})
    conversation.send_user_message("Go on.")
    await ended(conversation, BY_USER)


async def while_an_async_tool_runs(stage: Stage) -> None:
    async def tool() -> None:
        await asyncio.sleep(60)

    conversation = await stage.start("calls a tool and closes", client_tools={"tool": tool})
    conversation.send_user_message("Go on.")
    await ended(conversation, closed(1000, "that was all", None))


async def while_a_tool_runs_in_its_thread(stage: Stage) -> None:
    called = threading.Event()

    def tool() -> None:
        called.set()
        time.sleep(0.1)

    conversation = await stage.start("calls a tool", client_tools={"tool": tool})
    conversation.send_user_message("Go on.")
    await eventually(called.is_set)
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def while_another_thread_sends(stage: Stage) -> None:
    def send() -> None:
        with suppress(ConversationEnded):
            while True:
                conversation.send_user_activity()
                sent.set()
                time.sleep(0.0002)

    sent = threading.Event()
    conversation = await stage.start("talks")
    thread = threading.Thread(target=send, name="sender of a test")
    thread.start()
    await eventually(sent.is_set)
    await conversation.end_session()
    await asyncio.to_thread(thread.join, LIMIT_S)
    await ended(conversation, BY_USER)


async def while_one_iterates(stage: Stage) -> None:
    conversation = await stage.start("closes 1000")
    conversation.send_user_message("Go on.")
    types = [event.TYPE async for event in conversation]
    assert types[0] == "conversation_initiation_metadata"
    await ended(conversation, closed(1000, "that was all", None))


async def after_an_iteration_broken_off(stage: Stage) -> None:
    async with stage.start("talks on") as conversation:
        async for _ in conversation:
            break
    await ended(conversation, BY_USER)


async def with_callbacks_that_all_raise(stage: Stage) -> None:
    def raise_something(*_: object) -> None:
        raise ZeroDivisionError

    names = [*Callbacks.__annotations__, "on_conversation_created"]
    conversation = await stage.start("says everything", **dict.fromkeys(names, raise_something))
    conversation.send_user_message("Go on.")
    await eventually(lambda: any(message.role == "agent" for message in conversation.transcript))
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def with_a_callback_that_hangs(stage: Stage) -> None:
    """It is cancelled after a time that the test has made short."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    conversation = await stage.start("talks", on_message=hang)
    await eventually(lambda: conversation.transcript)
    await conversation.end_session()
    await ended(conversation, BY_USER)


async def after_the_microphone_failed(stage: Stage) -> None:
    await _after_a_device_failed(stage, microphone=breaking_microphone())


async def after_the_speaker_failed(stage: Stage) -> None:
    await _after_a_device_failed(stage, speaker=breaking_speaker())


async def _after_a_device_failed(stage: Stage, **device: Any) -> None:
    reports: list[str] = []
    conversation = await stage.start(
        "talks", on_error=lambda report: reports.append(report.message), **device
    )
    await eventually(lambda: reports)
    assert conversation.is_open()
    await conversation.end_session()
    await ended(conversation, BY_USER)


SPOKEN_ENDS: list[Way] = [after_the_microphone_failed, after_the_speaker_failed]
"""Ends that only spoken sessions have."""

ENDS: list[Way] = [
    end_session,
    end_session_while_the_agent_talks,
    end_session_with_messages_on_their_way,
    end_session_twice_at_once,
    end_session_cancelled,
    the_block_is_left,
    the_block_is_left_by_an_exception,
    the_block_is_cancelled,
    by_the_agent("closes 1000", closed(1000, "that was all", None)),
    by_the_agent("closes 1000 in silence", closed(1000, None, None)),
    by_the_agent("closes 1008", closed(1008, "the quota is used up", "the quota is used up")),
    by_the_agent(
        "closes 1011",
        closed(1011, None, "the server closed the connection with code 1011 and gave no reason"),
    ),
    by_the_agent("closes 3008", closed(3008, "nobody is there", "nobody is there")),
    by_the_agent("vanishes", closed(1006, None, "the connection to the server was lost")),
    by_the_agent("hangs up", HUNG_UP),
    by_the_agent("exceeds the duration", TOO_LONG),
    by_the_agent("reports an error and closes", closed(1011, "out of order", "out of order")),
    the_user_and_the_agent_end_at_once,
    inside_a_callback,
    inside_an_async_tool,
    inside_a_tool_of_its_own_thread,
    while_an_async_tool_runs,
    while_a_tool_runs_in_its_thread,
    while_another_thread_sends,
    while_one_iterates,
    after_an_iteration_broken_off,
    with_callbacks_that_all_raise,
    with_a_callback_that_hangs,
]
