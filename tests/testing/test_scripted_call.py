from __future__ import annotations

import pytest

from duologue.protocol.client_messages import (
    ConversationInitiation,
    Pong,
    UserActivity,
    UserMessage,
)
from duologue.protocol.codec import encode_server_event
from duologue.protocol.server_events import PingEvent
from duologue.testing.scripted_call import DEFAULT_METADATA, ClientGone, ScriptedCall
from duologue.testing.virtual_clock import VirtualClock
from tests.testing.recorded_client import RecordedClient

HELLO = UserMessage(text="Hello")


def call_of(client: RecordedClient) -> ScriptedCall:
    return ScriptedCall(client, {}, ())


async def test_a_call_begins_with_the_clients_initiation() -> None:
    client = RecordedClient(ConversationInitiation(user_id="u"))
    assert await call_of(client).begin() == ConversationInitiation(user_id="u")
    assert client.taken == [encode_server_event(DEFAULT_METADATA)]


async def test_what_comes_before_a_message_that_is_waited_for_is_kept() -> None:
    call = call_of(RecordedClient(UserActivity(), HELLO))
    assert await call.receive(UserMessage) == HELLO
    assert call.received == [UserActivity(), HELLO]


def test_a_message_that_does_not_come_is_given_up_in_time() -> None:
    clock = VirtualClock()

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await call_of(RecordedClient(HELLO)).receive(Pong, within=60)

    clock.run(wait())
    assert clock.now() == 60


def test_waiting_loses_nothing() -> None:
    clock = VirtualClock()

    async def wait() -> None:
        call = call_of(RecordedClient(HELLO, UserActivity()))
        await call.wait(60)
        assert call.received == [HELLO, UserActivity()]
        assert await call.receive_next() == HELLO
        assert await call.receive_next() == UserActivity()

    clock.run(wait())
    assert clock.now() == 60


async def test_a_client_that_has_gone_is_told_after_all_that_it_sent() -> None:
    call = call_of(RecordedClient(HELLO, goes=True))
    await call.wait(60)
    assert await call.receive_next() == HELLO
    with pytest.raises(ClientGone):
        await call.receive_next()
    await call.receive_until_gone()


async def test_a_call_ends_as_its_script_wants() -> None:
    client = RecordedClient()
    call = call_of(client)
    await call.send(PingEvent(event_id=1))
    await call.send_frame(b"\xff")
    await call.close(1008, "enough")
    assert client.taken == [encode_server_event(PingEvent(event_id=1)), b"\xff"]
    assert (call.close_code, client.close_reason) == (1008, "enough")
    call.vanish()
    assert client.vanished
