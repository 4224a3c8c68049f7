from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from duologue.conversation import TextConversation
from duologue.conversation import session as module
from duologue.conversation.outbox import CONTROL_LIMIT, Outbox
from duologue.conversation.parts import SessionParts, StatusReporter
from duologue.conversation.telling.callbacks import CallbackQueue
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.values import Disconnection, Mode, Status
from duologue.errors import ConversationEnded, SendQueueFull
from duologue.protocol.client_messages import (
    ContextualUpdate,
    ConversationInitiation,
    Feedback,
    Pong,
    UserActivity,
    UserMessage,
)
from duologue.protocol.codec import Incoming, MalformedEvent, UnknownEvent
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AgentToolResponseEvent,
    ErrorEvent,
    PingEvent,
    UserTranscriptEvent,
)
from tests.conversation.fakes import Log, ManualConnection, eventually

BY_USER = Disconnection.by_user()


def conversation_over(
    connection: ManualConnection, callbacks: dict[str, Callable[..., object]]
) -> TextConversation:
    """A conversation over a connection worked by hand, before it begins."""
    queue = CallbackQueue(callbacks)
    return TextConversation(
        SessionParts(
            conversation_id="conv_1",
            opening=(ConversationInitiation(user_id="me"),),
            connection=connection,
            dialogue=Dialogue(None),
            callbacks=queue,
            status=StatusReporter(queue),
            outbox=Outbox(audio_limit=50),
        )
    )


@asynccontextmanager
async def running(
    callbacks: dict[str, Callable[..., object]] | None = None,
    connection: ManualConnection | None = None,
) -> AsyncIterator[tuple[TextConversation, ManualConnection]]:
    """A conversation that has begun; leaving ends it, and nothing of it is left."""
    before = asyncio.all_tasks()
    connection = connection or ManualConnection()
    conversation = conversation_over(connection, callbacks or {})
    conversation.begin([])
    yield conversation, connection
    await conversation.end_session()
    assert connection.closed
    await eventually(lambda: asyncio.all_tasks() <= before)


def hang_up(*, is_error: bool = False) -> AgentToolResponseEvent:
    return AgentToolResponseEvent(
        tool_name="end_call",
        tool_call_id="call_1",
        tool_type="system",
        is_error=is_error,
        is_called=True,
        event_id=1,
    )


async def test_messages_of_both_sides_are_in_the_transcript() -> None:
    log = Log()
    async with running(log.options("on_message")) as (conversation, connection):
        connection.say(
            UserTranscriptEvent(user_transcript="Hello?", event_id=1),
            AgentResponseEvent(agent_response="Hello.", event_id=1),
        )
        await eventually(lambda: len(log.calls) == 2)
        assert [(message.role, message.text) for message in conversation.transcript] == [
            ("user", "Hello?"),
            ("agent", "Hello."),
        ]
        assert log.of("on_message") == list(conversation.transcript)


async def test_what_the_user_writes_is_in_the_transcript_at_once() -> None:
    log = Log()
    async with running(log.options("on_message")) as (conversation, connection):
        before = datetime.now(UTC)
        conversation.send_user_message("What is it?")
        await asyncio.to_thread(conversation.send_multimodal_message, "Look.", ["file_1"])
        connection.say(
            AgentResponseEvent(agent_response="It is a test.", event_id=3),
            AgentResponseCorrectionEvent(corrected_agent_response="It is", event_id=3),
        )
        await eventually(lambda: conversation.transcript[-1].corrected)
        asked, shown, answered = conversation.transcript
    assert (asked.role, asked.text, asked.event_id) == ("user", "What is it?", None)
    assert (shown.role, shown.text) == ("user", "Look.")
    assert (answered.text, answered.full_text) == ("It is", "It is a test.")
    assert [message.text for message in log.of("on_message")] == ["It is a test."]
    assert 0 <= asked.since_start_ms <= shown.since_start_ms <= answered.since_start_ms
    for message in (asked, shown, answered):
        assert message.at is not None
        assert abs((message.at - before).total_seconds()) < 10


async def test_what_is_sent_goes_out_in_order() -> None:
    async with running() as (conversation, connection):
        conversation.send_user_message("Hello.", rich_content_id="form")
        conversation.send_contextual_update("It rains.", context_id="weather")
        conversation.send_contextual_update("It is late.", context_id="")
        conversation.send_user_activity()
        await eventually(lambda: len(connection.sent) == 4)
    assert connection.sent == [
        UserMessage(text="Hello.", rich_content_id="form"),
        ContextualUpdate(text="It rains.", context_id="weather"),
        ContextualUpdate(text="It is late."),
        UserActivity(),
    ]


async def test_other_threads_may_send() -> None:
    async with running() as (conversation, connection):
        thread = threading.Thread(target=conversation.send_user_message, args=("Hello.",))
        thread.start()
        await eventually(lambda: connection.sent == [UserMessage(text="Hello.")])
        thread.join()


@pytest.mark.parametrize(
    ("text", "exception"), [(7, TypeError), (None, TypeError), ("\ud800", ValueError)]
)
async def test_text_that_cannot_be_sent_is_refused_where_it_is_written(
    text: Any, exception: type[Exception]
) -> None:
    async with running() as (conversation, connection):
        with pytest.raises(exception):
            conversation.send_user_message(text)
        with pytest.raises(exception):
            conversation.send_contextual_update(text)
        not_json: Any = object()
        with pytest.raises(TypeError):
            conversation.send_user_message("Hello.", rich_content_id=not_json)
        await asyncio.sleep(0.01)
        assert conversation.is_open()
        assert connection.sent == []


async def test_a_server_that_takes_nothing_is_not_sent_more_than_may_wait() -> None:
    connection = ManualConnection()
    async with running(connection=connection) as (conversation, _):
        connection.takes.clear()
        for _ in range(CONTROL_LIMIT):
            conversation.send_user_activity()
        with pytest.raises(SendQueueFull):
            conversation.send_user_activity()
        connection.takes.set()


async def test_a_server_that_asks_and_takes_no_answers_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FLUSH_LIMIT_S", 0.02)
    async with running() as (conversation, connection):
        connection.takes.clear()
        connection.say(*[PingEvent(event_id=number) for number in range(CONTROL_LIMIT + 5)])
        end = await asyncio.wait_for(conversation.wait_until_ended(), 5)
    assert end.reason == "error"
    assert end.message is not None
    assert "takes no answers" in end.message


async def test_every_event_is_told_first_as_it_came() -> None:
    log = Log()
    unknown = UnknownEvent(type="news", data={"type": "news"})
    ping = PingEvent(event_id=1)
    async with running(log.options("on_incoming_event", "on_ping", "on_debug")) as (_, connection):
        malformed = MalformedEvent(reason="no JSON", frame="{")
        connection.say(ping, unknown, malformed)
        await eventually(lambda: len(log.calls) == 5)
    assert log.calls == [
        ("on_incoming_event", ping),
        ("on_ping", ping),
        ("on_incoming_event", unknown),
        ("on_debug", unknown),
        ("on_debug", malformed),
    ]


async def test_every_message_is_told_before_it_is_sent() -> None:
    log = Log()
    connection = ManualConnection()
    connection.takes.clear()
    async with running(log.options("on_outgoing_event"), connection) as (conversation, _):
        connection.say(PingEvent(event_id=1))
        await eventually(lambda: len(log.calls) == 2)
        assert connection.sent == []
        connection.takes.set()
        conversation.send_user_message("Hello.")
    assert log.of("on_outgoing_event") == [
        ConversationInitiation(user_id="me"),
        Pong(event_id=1),
        UserMessage(text="Hello."),
    ]


async def test_every_ping_is_answered_while_a_callback_hangs() -> None:
    released = asyncio.Event()

    async def on_ping(event: PingEvent) -> None:
        await released.wait()

    async with running({"on_ping": on_ping}) as (_, connection):
        connection.say(*[PingEvent(event_id=number) for number in range(5)])
        await eventually(lambda: len(connection.sent) == 5)
        assert connection.sent == [Pong(event_id=number) for number in range(5)]
        released.set()


async def test_garbage_goes_to_debug_and_the_conversation_goes_on() -> None:
    log = Log()
    garbage = MalformedEvent(reason="no JSON", frame="{")
    async with running(log.options("on_debug", "on_message")) as (conversation, connection):
        connection.say(garbage, AgentResponseEvent(agent_response="Hello.", event_id=1))
        await eventually(lambda: len(log.calls) == 2)
        assert log.calls[0] == ("on_debug", garbage)
        assert conversation.is_open()


async def test_a_burst_keeps_the_loop_from_nothing_else() -> None:
    burst = [UnknownEvent(type="news", data={})] * 100_000
    told: list[object] = []
    async with running({"on_debug": told.append}) as (conversation, connection):
        connection.say(*burst, Disconnection.by_close(1000, None))
        turns, longest_s = 0, 0.0
        while conversation.disconnection is None:
            began_s = time.monotonic()
            await asyncio.sleep(0)
            turns, longest_s = turns + 1, max(longest_s, time.monotonic() - began_s)
    assert turns > 1000
    assert longest_s < 2  # it was minutes
    # Callbacks are called meanwhile; of what they leave waiting, so much is kept.
    assert len(told) >= 10_000


async def test_a_callback_that_raises_does_not_end_the_conversation() -> None:
    log = Log()

    def on_message(message: object) -> None:
        raise ValueError("no")

    callbacks = {"on_message": on_message, **log.options("on_error", "on_ping")}
    async with running(callbacks) as (conversation, connection):
        connection.say(
            AgentResponseEvent(agent_response="Hello.", event_id=1), PingEvent(event_id=1)
        )
        await eventually(lambda: len(log.calls) == 2)
        assert conversation.is_open()
    assert set(log.names) == {"on_error", "on_ping"}


async def test_a_written_turn_is_timed_from_the_moment_of_sending() -> None:
    log = Log()
    async with running(log.options("on_turn_metrics")) as (conversation, connection):
        conversation.send_user_message("Hello?")
        await eventually(lambda: connection.sent)
        connection.say(AgentChatResponsePartEvent(text="Hello", type="delta", event_id=1))
        await eventually(lambda: log.calls)
        [metrics] = conversation.turn_metrics
        assert metrics.latency_ms is not None
        assert 0 <= metrics.latency_ms < 5000


async def test_what_can_be_rated_is_told_until_the_end() -> None:
    log = Log()
    callbacks = log.options("on_message", "on_can_send_feedback_change", "on_status_change")
    async with running(callbacks) as (conversation, connection):
        connection.say(AgentResponseEvent(agent_response="Hello.", event_id=1))
        await eventually(lambda: conversation.can_send_feedback)
        thread = threading.Thread(target=conversation.send_feedback, args=(True,))
        thread.start()
        await eventually(lambda: connection.sent == [Feedback(event_id=1, score="like")])
        thread.join()
        connection.say(AgentResponseEvent(agent_response="And?", event_id=2))
        await eventually(lambda: log.of("on_can_send_feedback_change") == [True, False, True])
    assert not conversation.can_send_feedback
    assert [arguments for _, *arguments in log.calls[-3:]] == [
        ["disconnecting"],
        [False],
        ["disconnected"],
    ]


async def test_the_servers_close_ends_the_conversation_with_its_reason() -> None:
    log = Log()
    async with running(log.options()) as (conversation, connection):
        close = Disconnection.by_close(1000, "that was all")
        connection.say(close)
        assert await conversation.wait_until_ended() == close
        assert conversation.disconnection == close
        assert (conversation.status, conversation.is_open()) == (Status.DISCONNECTED, False)
    assert log.calls[-1] == ("on_disconnect", close)
    assert log.names.count("on_disconnect") == 1


async def test_an_abnormal_end_is_told_by_the_disconnect_alone() -> None:
    log = Log()
    async with running(log.options("on_error", "on_disconnect")) as (conversation, connection):
        connection.say(Disconnection.by_close(1006, None))
        await conversation.wait_until_ended()
    assert log.names == ["on_disconnect"]


async def test_ending_twice_and_at_once_is_one_end() -> None:
    log = Log()
    async with running(log.options()) as (conversation, _):
        await asyncio.gather(*(conversation.end_session() for _ in range(3)))
        await conversation.end_session()
        assert await conversation.wait_until_ended() == BY_USER
    assert log.names.count("on_disconnect") == 1
    assert log.of("on_status_change") == [
        "connecting",
        "connected",
        "disconnecting",
        "disconnected",
    ]


async def test_cancelling_the_end_stops_the_waiting_and_not_the_end() -> None:
    connection = ManualConnection()
    async with running(connection=connection) as (conversation, _):
        connection.takes.clear()
        conversation.send_user_activity()
        ending = asyncio.create_task(conversation.end_session())
        await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        connection.takes.set()
        assert await asyncio.wait_for(conversation.wait_until_ended(), 5) == BY_USER


async def test_what_was_queued_before_the_end_is_still_sent() -> None:
    async with running() as (conversation, connection):
        conversation.send_user_message("Goodbye.")
        await conversation.end_session()
        assert connection.sent == [UserMessage(text="Goodbye.")]


async def test_after_the_end_senders_raise() -> None:
    async with running() as (conversation, _):
        await conversation.end_session()
        with pytest.raises(ConversationEnded, match="the conversation has ended"):
            conversation.send_user_message("too late")
        with pytest.raises(ConversationEnded, match="the conversation has ended"):
            conversation.send_contextual_update("too late")
        with pytest.raises(ConversationEnded, match="the conversation has ended"):
            conversation.send_user_activity()


async def test_from_the_moment_it_ends_nothing_is_acted_on() -> None:
    class Slow(ManualConnection):
        async def close(self) -> None:
            self.say(
                AgentResponseEvent(agent_response="too late", event_id=1),
                PingEvent(event_id=1),
                hang_up(),
            )
            await asyncio.sleep(0.01)
            await super().close()

    log = Log()
    async with running(log.options(), Slow()) as (conversation, connection):
        await conversation.end_session()
        assert conversation.transcript == ()
        assert connection.sent == []
    assert log.names[-3:] == ["on_status_change", "on_status_change", "on_disconnect"]
    assert log.of("on_disconnect") == [BY_USER]


@pytest.mark.parametrize("name", ["on_message", "on_disconnect", "on_status_change"])
async def test_ending_inside_an_async_callback_does_not_deadlock(name: str) -> None:
    ended: list[Disconnection | None] = []

    async def callback(argument: object) -> None:
        await conversation.end_session()
        ended.append(await conversation.wait_until_ended())

    async with running({name: callback}) as (conversation, connection):
        connection.say(AgentResponseEvent(agent_response="Hello.", event_id=1))
        if name == "on_disconnect":
            connection.say(BY_USER)
        await asyncio.wait_for(conversation.wait_until_ended(), 3)
        await eventually(lambda: ended)
        assert conversation.status is Status.DISCONNECTED


async def test_ending_from_a_plain_callback_does_not_deadlock() -> None:
    tasks: list[asyncio.Task[None]] = []
    log = Log()

    def on_message(message: object) -> None:
        tasks.append(asyncio.create_task(conversation.end_session()))

    callbacks = {"on_message": on_message, **log.options("on_disconnect")}
    async with running(callbacks) as (conversation, connection):
        connection.say(AgentResponseEvent(agent_response="Goodbye.", event_id=1))
        await asyncio.wait_for(conversation.wait_until_ended(), 3)
        await tasks[0]
    assert log.of("on_disconnect") == [BY_USER]


async def test_waiting_for_the_end_returns_after_the_disconnect_callback() -> None:
    done: list[str] = []

    async def on_disconnect(disconnection: Disconnection) -> None:
        await asyncio.sleep(0.02)
        done.append("saved")

    async with running({"on_disconnect": on_disconnect}) as (conversation, _):
        await conversation.end_session()
        assert done == ["saved"]


async def test_a_callback_that_never_returns_does_not_keep_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CALLBACK_LIMIT_S", 0.02)

    async def hang(disconnection: Disconnection) -> None:
        await asyncio.Event().wait()

    async with running({"on_disconnect": hang}) as (conversation, _):
        await asyncio.wait_for(conversation.end_session(), 3)
    assert "callbacks did not finish within 0.02 s" in caplog.text


async def test_every_step_of_the_end_is_taken_even_if_one_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(ManualConnection):
        async def close(self) -> None:
            self.closed = True
            raise OSError("it broke")

    log = Log()
    async with running(log.options("on_disconnect"), Broken()) as (conversation, _):
        await conversation.end_session()
    assert log.of("on_disconnect") == [BY_USER]
    assert "a step of the session's end failed" in caplog.text


async def test_a_loop_that_shuts_down_does_not_stop_the_end_half_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Slow(ManualConnection):
        async def close(self) -> None:
            self.closed = True
            await asyncio.sleep(60)

    async with running(connection=Slow()) as (conversation, connection):
        ending = asyncio.create_task(conversation.end_session())
        await eventually(lambda: connection.closed)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as `asyncio.run` does
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        await eventually(lambda: conversation.status is Status.DISCONNECTED)
    assert "a step of the session's end was cut short" in caplog.text
    assert "Traceback" not in caplog.text


async def do_nothing(conversation: TextConversation) -> None:
    """As a program does that ends with its start."""


async def go_on(conversation: TextConversation) -> None:
    await asyncio.sleep(0)


async def begin_to_end(conversation: TextConversation) -> None:
    asyncio.get_running_loop().call_soon(conversation._end, BY_USER)
    await asyncio.sleep(0)


@pytest.mark.parametrize("deed", [do_nothing, go_on, begin_to_end])
def test_a_session_that_nobody_ends_is_ended_by_the_loop_that_shuts_down(
    deed: Callable[[TextConversation], Awaitable[None]],
) -> None:
    connections: list[ManualConnection] = []
    conversations: list[TextConversation] = []

    async def forgetful_program() -> None:
        connections.append(ManualConnection())
        conversations.append(conversation_over(connections[0], {}))
        await conversations[0].prepare()
        await asyncio.sleep(0)  # a start waits for the last of the prelude
        conversations[0].begin([])
        await deed(conversations[0])

    asyncio.run(forgetful_program())
    assert connections[0].closed
    assert conversations[0].status is Status.DISCONNECTED


async def test_a_mistake_of_ours_ends_the_conversation_and_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(ManualConnection):
        async def receive(self) -> Incoming | Disconnection:
            await asyncio.sleep(0)
            raise ZeroDivisionError

    async with running(connection=Broken()) as (conversation, _):
        end = await conversation.wait_until_ended()
    assert end.reason == "error"
    assert end.context == {"type": "error"}
    assert "duologue receiver conv_1 failed" in caplog.text


async def test_hanging_up_ends_the_conversation() -> None:
    log = Log()
    async with running(log.options()) as (conversation, connection):
        connection.say(hang_up(is_error=True), hang_up())
        end = await conversation.wait_until_ended()
    assert (end.reason, end.context["type"]) == ("agent", "end_call")
    assert log.names.count("on_agent_tool_response") == 2


async def test_the_longest_duration_ends_the_conversation_as_an_error() -> None:
    log = Log()
    async with running(log.options("on_error", "on_disconnect")) as (conversation, connection):
        connection.say(ErrorEvent(error_type="max_duration_exceeded", message="10 min"))
        end = await conversation.wait_until_ended()
    assert (end.reason, end.message) == ("error", "10 min")
    assert log.names == ["on_disconnect"]


async def test_an_end_that_came_before_the_beginning_ends_it_at_once() -> None:
    connection, log = ManualConnection(), Log()
    conversation = conversation_over(connection, log.options("on_connect", "on_disconnect"))
    conversation.begin([hang_up()])
    assert not conversation.is_open()
    end = await asyncio.wait_for(conversation.wait_until_ended(), 5)
    assert end.reason == "agent"
    assert log.names == ["on_connect", "on_disconnect"]


async def test_the_end_is_quick_though_the_server_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FLUSH_LIMIT_S", 0.05)
    async with running() as (conversation, connection):
        connection.takes.clear()
        conversation.send_user_message("Hello.")
        started_s = time.monotonic()
        await conversation.end_session()
        assert time.monotonic() - started_s < 2.0


async def test_a_written_conversation_listens() -> None:
    async with running() as (conversation, _):
        assert (conversation.mode, conversation.type) == (Mode.LISTENING, "text")
        assert conversation.disconnection is None
