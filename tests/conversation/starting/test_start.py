from __future__ import annotations

import asyncio
import gc
import os
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from duologue.conversation import Conversation, TextConversation, VoiceConversation
from duologue.conversation.starting import start as start_module
from duologue.dialogue.values import Status
from duologue.errors import DeviceError, SessionConnectionError, UnsupportedAudioFormat
from duologue.protocol.client_messages import ConversationInitiation
from duologue.protocol.codec import MalformedEvent
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AudioEvent,
    ConversationMetadataEvent,
    ErrorEvent,
    PingEvent,
)
from duologue.testing.scripted_agent import DEFAULT_METADATA, Script, ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Hanging, Log, ManualSink, ManualSource, eventually

FAILED_START = [
    ("on_status_change", "connecting"),
    ("on_can_send_feedback_change", False),
    ("on_status_change", "disconnected"),
]


async def talk(call: ScriptedCall) -> None:
    await call.begin()
    await call.receive_until_gone()


async def listen(call: ScriptedCall) -> None:
    await call.receive_until_gone()


def script_that_ends(code: int, reason: str, *events: Any) -> Script:
    async def script(call: ScriptedCall) -> None:
        await call.receive(ConversationInitiation)
        for event in events:
            await call.send(event)
        await call.close(code, reason)

    return script


def script_that_begins_with(**metadata: str | None) -> Script:
    async def script(call: ScriptedCall) -> None:
        await call.begin(ConversationMetadataEvent(conversation_id="conv_1", **metadata))
        await call.receive_until_gone()

    return script


def broken() -> None:
    raise DeviceError("no such device")


async def failed_start(
    script: Script, exception: type[BaseException], **options: Any
) -> tuple[Any, ScriptedAgent]:
    """Start a spoken conversation that cannot start, and check what every failed start does."""
    log = Log()
    options = {
        "connection_type": "websocket",
        "microphone": ManualSource(),
        "speaker": ManualSink(),
        **options,
    }
    async with ScriptedAgent(script) as agent:
        with pytest.raises(exception) as raised:
            await Conversation.start_session(
                agent_id="a", origin=agent.origin, **{**log.options(), **options}
            )
        await eventually(lambda: agent.calls[0].close_code is not None)
    assert log.calls == FAILED_START
    assert not options["microphone"].running
    assert not options["speaker"].running
    return raised.value, agent


async def test_a_spoken_start_gives_a_voice_conversation() -> None:
    async with ScriptedAgent(talk) as agent:
        conversation = await Conversation.start_session(
            agent_id="a", origin=agent.origin, microphone=ManualSource(), speaker=ManualSink()
        )
        assert isinstance(conversation, VoiceConversation)
        assert (conversation.type, conversation.id) == ("voice", "conv_scripted")
        assert conversation.is_open()
        await conversation.end_session()


async def test_a_written_start_gives_a_text_conversation() -> None:
    async with ScriptedAgent(talk) as agent:
        conversation = await Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True
        )
        assert isinstance(conversation, TextConversation)
        assert conversation.get_id() == "conv_scripted"
        await conversation.end_session()


async def test_callbacks_are_called_in_order_at_start_and_end() -> None:
    log = Log()
    async with ScriptedAgent(talk) as agent:
        async with Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, **log.options()
        ) as conversation:
            await eventually(lambda: len(log.calls) == 7)
        assert conversation.disconnection is not None
    [initiation] = agent.calls[0].received
    assert log.calls == [
        ("on_status_change", "connecting"),
        ("on_can_send_feedback_change", False),
        ("on_status_change", "connected"),
        ("on_connect", "conv_scripted"),
        ("on_outgoing_event", initiation),
        ("on_incoming_event", DEFAULT_METADATA),
        ("on_conversation_metadata", DEFAULT_METADATA),
        ("on_status_change", "disconnecting"),
        ("on_status_change", "disconnected"),
        ("on_disconnect", conversation.disconnection),
    ]


@pytest.mark.parametrize("before", [PingEvent(event_id=9), "{"])
async def test_what_comes_before_the_metadata_is_delivered_after_the_connect(before: Any) -> None:
    async def script(call: ScriptedCall) -> None:
        if isinstance(before, str):
            await call.send_frame(before)
        else:
            await call.send(before)
        await talk(call)

    log = Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, **log.options()
        ),
    ):
        await eventually(lambda: "on_conversation_metadata" in log.names)
    names = [name for name in log.names if name != "on_incoming_event"]
    assert names[names.index("on_connect") :][:4] == [
        "on_connect",
        "on_outgoing_event",
        "on_debug" if isinstance(before, str) else "on_ping",
        "on_conversation_metadata",
    ]
    if isinstance(before, str):
        assert isinstance(log.of("on_debug")[0], MalformedEvent)


async def test_what_comes_while_devices_open_is_not_lost() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AudioEvent(audio=b"\x00\x10" * 960, event_id=1))
        await call.send(AgentResponseEvent(agent_response="Hello.", event_id=1))
        await call.receive_until_gone()

    log, hanging, sink = Log(), Hanging(), ManualSink()
    asyncio.get_running_loop().call_later(0.1, hanging.release)
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=ManualSource(start=hanging),
            speaker=sink,
            **log.options(),
        ) as conversation,
    ):
        assert [message.text for message in conversation.transcript] == ["Hello."]
        assert sink.play(10).any()
    assert log.names.index("on_connect") < log.names.index("on_audio")


async def test_the_initiation_says_what_was_asked_for() -> None:
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            user_id="u",
            overrides={"agent": {"first_message": "Hi."}},
        ),
    ):
        [initiation] = agent.calls[0].received
        assert isinstance(initiation, ConversationInitiation)
        assert initiation.conversation_config_override == {
            "agent": {"first_message": "Hi."},
            "conversation": {"text_only": True},
        }


async def test_without_an_input_format_the_sound_goes_out_at_16_khz() -> None:
    source = ManualSource()
    async with (
        ScriptedAgent(script_that_begins_with(agent_output_audio_format="ulaw_8000")) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, microphone=source, speaker=ManualSink()
        ),
    ):
        source.say_bytes(bytes(640))
        await eventually(lambda: len(agent.calls[0].received) == 2)


async def test_a_written_conversation_needs_no_formats() -> None:
    async with (
        ScriptedAgent(script_that_begins_with()) as agent,
        Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True) as begun,
    ):
        assert begun.id == "conv_1"


async def test_bad_options_are_refused_before_anything_is_awaited() -> None:
    with pytest.raises(ValueError, match="either agent_id"):
        Conversation.start_session()


async def test_a_start_can_be_used_once() -> None:
    async with ScriptedAgent(talk) as agent:
        start = Conversation.start_session(agent_id="a", origin=agent.origin, text_only=True)
        async with start:
            pass
        with pytest.raises(RuntimeError, match="call start_session"):
            await start


async def test_a_refused_agent_tells_code_and_reason() -> None:
    error, _ = await failed_start(script_that_ends(1008, "no such agent"), SessionConnectionError)
    assert (error.close_code, error.close_reason) == (1008, "no such agent")
    assert "no such agent" in str(error)


async def test_an_error_before_the_close_explains_it() -> None:
    event = ErrorEvent(message="the quota is used up", code=1008)
    error, _ = await failed_start(script_that_ends(1008, "", event), SessionConnectionError)
    assert "the quota is used up" in str(error)


async def test_a_server_that_accepts_and_never_speaks_is_given_up() -> None:
    error, agent = await failed_start(listen, SessionConnectionError, connect_timeout=0.1)
    assert "connect_timeout" in str(error)
    assert agent.calls[0].close_code == 1000


@pytest.mark.parametrize(
    ("metadata", "exception", "message"),
    [
        ({}, SessionConnectionError, "no agent_output_audio_format"),
        ({"agent_output_audio_format": "mp3_44100"}, UnsupportedAudioFormat, "'mp3_44100'"),
        (
            {"agent_output_audio_format": "pcm_16000", "user_input_audio_format": "opus"},
            UnsupportedAudioFormat,
            "'opus'",
        ),
    ],
)
async def test_a_format_that_cannot_be_spoken_fails_the_start(
    metadata: dict[str, str], exception: type[Exception], message: str
) -> None:
    error, agent = await failed_start(script_that_begins_with(**metadata), exception)
    assert message in str(error)
    assert agent.calls[0].close_code == 1000


@pytest.mark.parametrize("device", ["microphone", "speaker"])
async def test_a_device_that_cannot_be_opened_closes_the_connection(device: str) -> None:
    fakes: dict[str, Any] = {
        "microphone": ManualSource(start=broken),
        "speaker": ManualSink(start=broken),
    }
    error, agent = await failed_start(talk, DeviceError, **{device: fakes[device]})
    assert str(error) == "no such device"
    assert agent.calls[0].close_code == 1000


async def test_a_server_that_closes_while_devices_open_fails_the_start() -> None:
    hanging = Hanging()
    source, sink = ManualSource(start=hanging), ManualSink()

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await asyncio.to_thread(hanging.entered.wait, 5)
        await call.close(1011, "out of service")
        hanging.release()

    error, _ = await failed_start(script, SessionConnectionError, microphone=source, speaker=sink)
    assert (error.close_code, error.close_reason) == (1011, "out of service")
    assert source.starts == 1


async def test_nobody_listening_is_a_failed_start(unused_tcp_port: int) -> None:
    log = Log()
    with pytest.raises(SessionConnectionError, match="cannot be reached"):
        await Conversation.start_session(
            agent_id="a",
            origin=f"ws://127.0.0.1:{unused_tcp_port}",
            text_only=True,
            **log.options(),
        )
    assert log.calls == FAILED_START


async def test_a_signed_url_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedAgent(script_that_ends(1008, "no")) as agent:
        start = Conversation.start_session(
            signed_url=f"{agent.origin}/v1/convai/conversation?signature=secret", text_only=True
        )
        with pytest.raises(SessionConnectionError) as raised:
            await start
        assert agent.calls[0].query["signature"] == "secret"
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert "secret" not in repr(start)
    assert "secret" not in caplog.text


async def test_a_callback_that_hangs_does_not_keep_a_failed_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_module, "CALLBACK_LIMIT_S", 0.02)

    async def hang(status: Status) -> None:
        await asyncio.Event().wait()

    async with ScriptedAgent(script_that_ends(1008, "no")) as agent:
        start = Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True, on_status_change=hang
        )
        with pytest.raises(SessionConnectionError):
            await start


def threads_of_ours() -> set[threading.Thread]:
    """All threads but the workers in which the event loop looks up names, which it keeps."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@asynccontextmanager
async def leaving_nothing() -> AsyncIterator[None]:
    """What runs within leaves no task, thread or open file behind."""
    gc.collect()
    tasks, threads, files = asyncio.all_tasks(), threads_of_ours(), open_files()
    yield
    await eventually(
        lambda: (
            asyncio.all_tasks() <= tasks and threads_of_ours() <= threads and open_files() <= files
        )
    )


class Deaf:
    """A speaker that nobody can tell whom to report to."""

    __slots__ = ()
    sample_rate_hz = 16_000
    running = False

    def start(self, render: Callable[[int], memoryview]) -> None:
        raise AssertionError("never started")

    def stop(self) -> None:
        raise AssertionError("never stopped")


async def test_a_speaker_that_cannot_be_used_at_all_leaves_nothing_behind() -> None:
    async with leaving_nothing():
        await failed_start(talk, AttributeError, microphone=ManualSource(), speaker=Deaf())


@pytest.mark.parametrize("script", [listen, talk])
async def test_a_start_that_is_cancelled_leaves_nothing_behind(script: Script) -> None:
    """Cancelled while it waits for the metadata (`listen`), or for a device (`talk`)."""
    hanging = Hanging()
    source, sink, log = ManualSource(start=hanging), ManualSink(), Log()
    async with ScriptedAgent(script) as agent, leaving_nothing():
        start = asyncio.ensure_future(
            Conversation.start_session(
                agent_id="a",
                origin=agent.origin,
                connection_type="websocket",
                microphone=source,
                speaker=sink,
                **log.options(),
            )
        )
        if script is talk:
            await eventually(hanging.entered.is_set)
        else:
            await eventually(lambda: agent.calls and agent.calls[0].received)
        start.cancel()
        hanging.release()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert log.calls == FAILED_START
        assert not source.running
        assert not sink.running


async def test_a_start_that_is_cancelled_at_any_moment_leaves_nothing_behind() -> None:
    steps = [after * 0.0015 for after in range(12)]
    async with ScriptedAgent(talk) as agent, leaving_nothing():
        for wait_s in steps:
            source, sink = ManualSource(), ManualSink()
            start = asyncio.ensure_future(
                Conversation.start_session(
                    agent_id="a", origin=agent.origin, microphone=source, speaker=sink
                )
            )
            await asyncio.sleep(wait_s)
            start.cancel()
            try:
                conversation = await start
            except asyncio.CancelledError:
                pass
            else:
                await conversation.end_session()
            assert not source.running
            assert not sink.running


async def test_30_sessions_in_a_row_leave_nothing_behind() -> None:
    async with ScriptedAgent(talk) as agent, leaving_nothing():
        for _ in range(30):
            async with Conversation.start_session(
                agent_id="a",
                origin=agent.origin,
                microphone=ManualSource(),
                speaker=ManualSink(),
            ) as conversation:
                conversation.send_user_message("Hello.")
        assert [call.close_code for call in agent.calls] == [1000] * 30


async def raise_something(conversation: Any) -> None:
    raise ZeroDivisionError


async def be_cancelled(conversation: Any) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("deed", "exception"),
    [(raise_something, ZeroDivisionError), (be_cancelled, asyncio.CancelledError)],
)
async def test_leaving_the_block_ends_the_session_and_lets_the_exception_through(
    deed: Callable[[Any], Any], exception: type[BaseException]
) -> None:
    conversations: list[TextConversation] = []

    async def program(origin: str) -> None:
        async with Conversation.start_session(
            agent_id="a", origin=origin, text_only=True
        ) as conversation:
            conversations.append(conversation)
            await deed(conversation)

    async with ScriptedAgent(talk) as agent:
        with pytest.raises(exception):
            await program(agent.origin)
        assert conversations[0].status is Status.DISCONNECTED
        await eventually(lambda: agent.calls[0].close_code == 1000)


async def test_the_conversation_is_handed_over_before_it_is_connected() -> None:
    log = Log()

    def created(conversation: TextConversation) -> None:
        log.calls.append(("on_conversation_created", conversation))

    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            on_conversation_created=created,
            **log.options("on_status_change", "on_connect"),
        ) as conversation,
    ):
        await eventually(lambda: len(log.calls) == 4)
    assert log.calls[:4] == [
        ("on_status_change", "connecting"),
        ("on_conversation_created", conversation),
        ("on_status_change", "connected"),
        ("on_connect", "conv_scripted"),
    ]
