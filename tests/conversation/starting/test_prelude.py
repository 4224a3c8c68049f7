from __future__ import annotations

import asyncio

import pytest

from duologue.conversation.starting import prelude as module
from duologue.conversation.starting.prelude import Prelude
from duologue.dialogue.values import Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import ConversationInitiation
from duologue.protocol.codec import Incoming, MalformedEvent
from duologue.protocol.server_events import (
    AgentResponseEvent,
    ConversationMetadataEvent,
    ErrorEvent,
    PingEvent,
)
from tests.conversation.fakes import ManualConnection, eventually

INITIATION = ConversationInitiation(user_id="u")
METADATA = ConversationMetadataEvent(conversation_id="conv_1")
GARBAGE = MalformedEvent(reason="no JSON", frame="{")


async def metadata_after(
    *incoming: Incoming | Disconnection, limit_s: float = 5.0
) -> tuple[ConversationMetadataEvent, Prelude, ManualConnection]:
    connection = ManualConnection()
    connection.say(*incoming)
    async with Prelude(connection) as prelude:
        deadline_s = asyncio.get_running_loop().time() + limit_s
        metadata = await prelude.metadata((INITIATION,), deadline_s)
    return metadata, prelude, connection


async def failure_after(
    *incoming: Incoming | Disconnection, limit_s: float = 5.0
) -> SessionConnectionError:
    with pytest.raises(SessionConnectionError) as raised:
        await metadata_after(*incoming, limit_s=limit_s)
    return raised.value


async def test_the_initiation_is_sent_and_answered_by_the_metadata() -> None:
    metadata, prelude, connection = await metadata_after(METADATA)
    assert metadata == METADATA
    assert connection.sent == [INITIATION]
    assert prelude.received == [METADATA]


async def test_what_comes_before_the_metadata_is_kept_in_order() -> None:
    _, prelude, _ = await metadata_after(GARBAGE, PingEvent(event_id=1), METADATA)
    assert prelude.received == [GARBAGE, PingEvent(event_id=1), METADATA]


async def test_what_comes_after_the_metadata_is_kept_until_the_session_runs() -> None:
    connection = ManualConnection()
    async with Prelude(connection) as prelude:
        connection.say(METADATA, PingEvent(event_id=1))
        await eventually(lambda: len(prelude.received) == 2)
    connection.say(PingEvent(event_id=2))
    assert prelude.received == [METADATA, PingEvent(event_id=1)]
    assert await connection.receive() == PingEvent(event_id=2)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    error = await failure_after(limit_s=0.02)
    assert "no conversation_initiation_metadata" in str(error)
    assert error.close_code is None


async def test_a_server_that_takes_nothing_is_given_up() -> None:
    connection = ManualConnection()
    connection.takes.clear()
    async with Prelude(connection) as prelude:
        with pytest.raises(SessionConnectionError, match="connect_timeout"):
            await prelude.metadata((INITIATION,), asyncio.get_running_loop().time() + 0.02)


async def test_a_server_that_says_a_lot_but_nothing_of_use_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PRELUDE_LIMIT", 10)
    error = await failure_after(*[GARBAGE] * 20)
    assert "no conversation_initiation_metadata" in str(error)


async def test_the_servers_words_at_the_close_come_first() -> None:
    error = await failure_after(
        ErrorEvent(message="less exact"), Disconnection.by_close(1008, "no such agent")
    )
    assert str(error).endswith("starting: no such agent")
    assert (error.close_code, error.close_reason) == (1008, "no such agent")


async def test_without_words_at_the_close_the_last_error_speaks() -> None:
    error = await failure_after(
        ErrorEvent(message="no such agent"), PingEvent(event_id=1), Disconnection.by_close(1008, "")
    )
    assert str(error).endswith("starting: no such agent")
    assert (error.close_code, error.close_reason) == (1008, None)


async def test_without_any_words_the_code_speaks() -> None:
    assert "code 1011" in str(await failure_after(Disconnection.by_close(1011, "")))
    assert "regularly" in str(await failure_after(Disconnection.by_close(1000, "")))


async def test_a_close_right_after_the_metadata_ends_the_start() -> None:
    error = await failure_after(METADATA, Disconnection.by_close(1008, "too many calls"))
    assert error.close_reason == "too many calls"


async def test_metadata_that_make_no_sense_are_told_at_once() -> None:
    unreadable = MalformedEvent(
        reason="`conversation_id` is missing", frame="{}", type=ConversationMetadataEvent.TYPE
    )
    error = await failure_after(GARBAGE, unreadable, limit_s=1000.0)
    assert str(error).endswith("cannot be read: `conversation_id` is missing")


async def test_a_regular_close_right_after_the_metadata_is_left_to_the_session() -> None:
    words = AgentResponseEvent(agent_response="We are closed.", event_id=1)
    metadata, prelude, _ = await metadata_after(
        METADATA, words, Disconnection.by_close(1000, "closed")
    )
    assert metadata == METADATA
    assert prelude.ended_regularly
    assert prelude.received == [METADATA, words]


async def test_an_error_before_a_regular_close_ends_the_start() -> None:
    error = await failure_after(
        METADATA, ErrorEvent(message="no quota"), Disconnection.by_close(1000, "")
    )
    assert str(error).endswith("starting: no quota")


async def test_a_mistake_of_ours_is_raised_as_it_is() -> None:
    class Broken(ManualConnection):
        async def receive(self) -> Incoming | Disconnection:
            raise ZeroDivisionError

    async with Prelude(Broken()) as prelude:
        with pytest.raises(ZeroDivisionError):
            await prelude.metadata((INITIATION,), asyncio.get_running_loop().time() + 5.0)
