"""Going through events without async, and what may be done after the end."""

from __future__ import annotations

from duologue.blocking import Conversation, TextConversation
from duologue.blocking.base import EventIterator
from duologue.protocol.client_messages import UserActivity
from duologue.protocol.server_events import (
    AgentResponseEvent,
    ConversationMetadataEvent,
    PingEvent,
)
from duologue.testing import ScriptedCall
from tests.blocking.agents import no_thread_left, scripted, until


async def count_to_three(call: ScriptedCall) -> None:
    await call.begin()
    await call.receive(UserActivity)
    for number in range(3):
        await call.send(AgentResponseEvent(agent_response="Hello.", event_id=number))
    await call.close(1000, "that was all")


def started(origin: str) -> TextConversation:
    return Conversation.start_session(agent_id="a", origin=origin, text_only=True)


def kinds(events: list[object]) -> list[type]:
    return [type(event) for event in events]


EVERYTHING = [ConversationMetadataEvent, *[AgentResponseEvent] * 3]


def test_a_loop_goes_through_all_events_and_ends_with_the_session() -> None:
    with scripted(count_to_three) as agent, no_thread_left():
        conversation = started(agent.origin)
        conversation.send_user_activity()
        assert kinds(list(conversation)) == EVERYTHING
        assert conversation.wait_until_ended().reason == "agent"


def test_what_waits_may_be_taken_after_the_end() -> None:
    with scripted(count_to_three) as agent:
        conversation = started(agent.origin)
        events = iter(conversation)
        assert isinstance(events, EventIterator)
        conversation.send_user_activity()
        conversation.wait_until_ended()
    assert kinds(list(events)) == EVERYTHING
    assert list(events) == []
    assert list(conversation) == []
    assert events.dropped == 0


def test_each_loop_gets_what_comes_from_its_beginning_on() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        for number in range(2):
            await call.receive(UserActivity)
            await call.send(PingEvent(event_id=number))
        await call.receive_until_gone()

    def numbers(events: list[object]) -> list[object]:
        return [event.event_id for event in events if isinstance(event, PingEvent)]

    with scripted(script) as agent:
        with started(agent.origin) as conversation:
            first = iter(conversation)
            conversation.send_user_activity()
            assert isinstance(next(first), ConversationMetadataEvent)
            assert numbers([next(first)]) == [0]
            second = iter(conversation)
            conversation.send_user_activity()
            assert numbers([next(second)]) == [1]
        assert numbers(list(first)) == [1]


def test_what_is_known_of_a_conversation_is_known_after_its_end() -> None:
    with scripted(count_to_three) as agent:
        conversation = started(agent.origin)
        conversation.send_user_activity()
        conversation.wait_until_ended()
    assert [message.text for message in conversation.transcript] == ["Hello."] * 3
    assert conversation.status == "disconnected"


def test_what_may_be_done_after_the_end_is_done() -> None:
    async def late() -> str:
        return "done"

    with scripted(count_to_three) as agent:
        with started(agent.origin) as conversation:
            pass
        until(lambda: not conversation._loop.is_alive())
    assert conversation._wait_for(late) == "done"
