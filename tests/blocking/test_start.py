"""Conversations without async, against a scripted agent over a real WebSocket."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import Any

import numpy as np
import pytest

import duologue
from duologue.blocking import Conversation, TextConversation, VoiceConversation
from duologue.conversation import session
from duologue.errors import ConversationEnded, SessionConnectionError
from duologue.protocol.client_messages import (
    ClientToolResult,
    ConversationInitiation,
    Pong,
    UserActivity,
    UserAudioChunk,
    UserMessage,
)
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AudioEvent,
    ClientToolCallEvent,
    PingEvent,
)
from duologue.testing import MemoryMicrophone, MemorySpeaker, ScriptedCall
from tests.blocking.agents import LIMIT_S, no_thread_left, scripted, talk, until


def started(origin: str, **options: Any) -> TextConversation:
    return Conversation.start_session(agent_id="a", origin=origin, text_only=True, **options)


async def greet(call: ScriptedCall) -> None:
    await call.begin()
    await call.send(AgentResponseEvent(agent_response="Hello.", event_id=1))
    await call.receive_until_gone()


def test_a_conversation_is_held_without_async() -> None:
    with scripted(talk) as agent, no_thread_left():
        with started(agent.origin) as conversation:
            assert isinstance(conversation, TextConversation)
            assert (conversation.type, conversation.id) == ("text", "conv_scripted")
            assert conversation.is_open()
            conversation.send_user_message("Hello.")
        assert not conversation.is_open()
        assert conversation.disconnection == conversation.wait_until_ended()
        assert conversation.wait_until_ended().reason == "user"
        conversation.end_session()
        with pytest.raises(ConversationEnded):
            conversation.send_user_message("Too late.")
        until(lambda: UserMessage(text="Hello.") in agent.calls[0].received)


async def test_it_is_held_where_an_event_loop_is_running() -> None:
    with scripted(greet) as agent, no_thread_left(), started(agent.origin) as conversation:
        until(lambda: conversation.transcript)
        assert conversation.transcript[0].text == "Hello."


def test_any_thread_may_use_it() -> None:
    with scripted(talk) as agent, started(agent.origin) as conversation:

        def use() -> None:
            assert conversation.is_open()
            conversation.send_user_message("Hello.")

        threads = [threading.Thread(target=use) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        until(lambda: agent.calls[0].received.count(UserMessage(text="Hello.")) == 5)


def test_callbacks_run_in_order_in_one_thread_and_get_the_blocking_conversation() -> None:
    calls: list[tuple[str, object]] = []
    threads: set[threading.Thread] = set()

    def log(name: str, value: object) -> None:
        calls.append((name, value))
        threads.add(threading.current_thread())

    with (
        scripted(greet) as agent,
        started(
            agent.origin,
            on_conversation_created=lambda created: log("created", created),
            on_connect=lambda conversation_id: log("connect", conversation_id),
            on_message=lambda message: log("message", message.text),
            on_disconnect=lambda disconnection: log("disconnect", disconnection.reason),
        ) as conversation,
    ):
        until(lambda: len(calls) == 3)
    assert calls == [
        ("created", conversation),
        ("connect", "conv_scripted"),
        ("message", "Hello."),
        ("disconnect", "user"),
    ]
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_a_callback_that_blocks_stops_neither_sound_nor_pings(
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocked, release = threading.Event(), threading.Event()
    told: list[str] = []
    tone = np.full(3200, 5000, np.int16)

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AgentResponseEvent(agent_response="Hello.", event_id=1))
        for number in range(3):
            await call.send(PingEvent(event_id=number))
            assert (await call.receive(Pong)).event_id == number
        await call.send(AudioEvent(audio=tone.tobytes(), event_id=1))
        while not np.frombuffer((await call.receive(UserAudioChunk)).audio, np.int16).any():
            pass
        told.append("all")
        await call.receive_until_gone()

    def block(message: object) -> None:
        blocked.set()
        release.wait(LIMIT_S)

    microphone, speaker = MemoryMicrophone(), MemorySpeaker()
    with (
        caplog.at_level(logging.WARNING),
        scripted(script) as agent,
        no_thread_left(),
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=microphone,
            speaker=speaker,
            on_message=block,
        ) as conversation,
    ):
        assert isinstance(conversation, VoiceConversation)
        assert blocked.wait(LIMIT_S)
        microphone.feed(tone)
        until(lambda: told and np.count_nonzero(speaker.heard()) > 3000)
        conversation.set_volume(0.5)
        assert not release.is_set()
        release.set()
    assert caplog.messages == []


@pytest.mark.parametrize("ends", ["end_session", "wait_until_ended"])
def test_the_end_may_be_waited_for_inside_a_callback(ends: str) -> None:
    order: list[str] = []

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AgentResponseEvent(agent_response="Bye.", event_id=1))
        await call.receive(UserActivity)
        if ends == "end_session":
            await call.receive_until_gone()

    created: list[TextConversation] = []

    def leave(message: object) -> None:
        order.append("told")
        created[0].send_user_activity()
        getattr(created[0], ends)()
        order.append("left")

    with scripted(script) as agent, no_thread_left():
        conversation = started(
            agent.origin,
            on_conversation_created=created.append,
            on_message=leave,
            on_disconnect=lambda disconnection: order.append("disconnected"),
        )
        conversation.wait_until_ended()
    assert order == ["told", "left", "disconnected"]


def test_a_callback_that_never_returns_holds_the_end_up_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "CALLBACK_LIMIT_S", 0.05)
    blocked, release = threading.Event(), threading.Event()

    def block(message: object) -> None:
        blocked.set()
        release.wait(60)

    with scripted(greet) as agent, no_thread_left():
        conversation = started(agent.origin, on_message=block)
        assert blocked.wait(LIMIT_S)
        conversation.end_session()
        assert conversation.disconnection == duologue.Disconnection.by_user()
        release.set()
    assert [message[:22] for message in caplog.messages] == ["callbacks did not fini"]


def test_a_callback_that_raises_is_told_and_the_conversation_goes_on() -> None:
    errors: list[duologue.ErrorReport] = []

    def fail(message: object) -> None:
        raise ZeroDivisionError("no")

    with (
        scripted(greet) as agent,
        started(agent.origin, on_message=fail, on_error=errors.append) as conversation,
    ):
        until(lambda: errors)
        assert conversation.is_open()
    assert "on_message raised ZeroDivisionError: no" in errors[0].message


def test_what_is_wrong_with_options_is_said_before_there_is_a_thread() -> None:
    before = threading.enumerate()

    async def on_message(message: object) -> None: ...

    with pytest.raises(TypeError, match="on_message is a coroutine function"):
        Conversation.start_session(agent_id="a", on_message=on_message)
    with pytest.raises(ValueError, match="agent_id and signed_url"):
        Conversation.start_session(agent_id="a", signed_url="wss://h/?s=1")
    wrong: Any = 7
    with pytest.raises(TypeError, match="on_message must be a function"):
        Conversation.start_session(agent_id="a", on_message=wrong)
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def test_a_start_that_fails_raises_its_own_error_and_leaves_nothing() -> None:
    statuses: list[str] = []

    async def refuse(call: ScriptedCall) -> None:
        await call.receive(ConversationInitiation)
        await call.close(1008, "not for you")

    with (
        scripted(refuse) as agent,
        no_thread_left(),
        pytest.raises(SessionConnectionError, match="not for you") as raised,
    ):
        started(agent.origin, on_status_change=statuses.append)
    assert raised.value.close_code == 1008
    assert statuses == ["connecting", "disconnected"]
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert names[0] == "test_a_start_that_fails_raises_its_own_error_and_leaves_nothing"
    assert "_connected" in names  # where it went wrong in the other thread


def test_an_exception_in_the_block_ends_the_conversation_and_goes_on() -> None:
    with scripted(talk) as agent, no_thread_left():
        with pytest.raises(ZeroDivisionError), started(agent.origin) as conversation:
            raise ZeroDivisionError
        assert conversation.disconnection == duologue.Disconnection.by_user()


def test_nothing_is_left_when_the_server_ends_it() -> None:
    async def leave(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserActivity)
        await call.close(1000, "that was all")

    with scripted(leave) as agent, no_thread_left():
        conversation = started(agent.origin)
        conversation.send_user_activity()
    assert conversation.wait_until_ended().reason == "agent"


def test_tools_run_in_threads_or_in_the_loop_and_may_use_the_conversation() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        for name in ("plain", "asynchronous", "waiting"):
            await call.send(
                ClientToolCallEvent(tool_name=name, tool_call_id=name, parameters={}, event_id=1)
            )
            results.append(await call.receive(ClientToolResult))
        await call.receive_until_gone()

    results: list[ClientToolResult] = []
    created: list[TextConversation] = []

    def plain() -> str:
        return f"{created[0].mode}"

    async def asynchronous() -> str:
        return f"{created[0].mode}"

    async def waiting() -> None:
        created[0].end_session()

    tools = {"plain": plain, "asynchronous": asynchronous, "waiting": waiting}
    with (
        scripted(script) as agent,
        started(agent.origin, client_tools=tools, on_conversation_created=created.append),
    ):
        until(lambda: len(results) == 3)
    assert [result.result for result in results[:2]] == ["listening", "listening"]
    assert results[2].is_error
    assert "cannot wait for that loop" in str(results[2].result)
