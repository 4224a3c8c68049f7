"""What a room's events are to a call, without LiveKit. The rest is in `tests/real/test_room.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from duologue.agent.call.reception import Reception
from duologue.agent.limits import CallLimits
from duologue.agent.rooms import call as room_module
from duologue.agent.rooms.call import MOST_FRAMES_WAITING, MOST_WAITING, RoomCalls, RoomCarrier
from duologue.agent.rooms.opening import WITHDRAWN, Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.protocol.server_events import AgentResponseEvent, InterruptionEvent
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define


class FakeParticipant:
    """Remembers what it is to publish; fails once its room is gone."""

    def __init__(self) -> None:
        self.published: list[bytes] = []
        self.is_gone = False

    async def publish_data(self, data: bytes) -> None:
        if self.is_gone:
            raise PublishDataError("engine: closed")
        self.published.append(data)


class FakeRoom(rtc.EventEmitter[str]):
    """The events of a room, made by hand."""

    name = "conv_1"

    def __init__(self) -> None:
        super().__init__()
        self.local_participant = FakeParticipant()

    def receive(self, data: bytes) -> None:
        kind = rtc.DataPacketKind.KIND_RELIABLE
        self.emit("data_received", rtc.DataPacket(data=data, kind=kind, participant=None))


def user(reason: str | None = None) -> Any:
    """A user that is there, or that has left for one of LiveKit's reasons."""
    value = None if reason is None else rtc.DisconnectReason.Value(reason)
    return SimpleNamespace(identity="user_1", disconnect_reason=value)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> FakeRoom:
    monkeypatch.setattr(room_module, "HANGS_UP_S", 0.05)
    monkeypatch.setattr(room_module, "LOST_S", 0.1)
    return FakeRoom()


@pytest.fixture
def carrier(room: FakeRoom) -> RoomCarrier:
    return RoomCarrier(cast(rtc.Room, room))


async def within_a_second(what: Awaitable[Any]) -> Any:
    async with asyncio.timeout(1):
        return await what


async def test_messages_come_in_order_until_the_user_leaves(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    room.receive(b"1")
    room.receive(b"2")
    room.emit("participant_disconnected", user("CLIENT_INITIATED"))
    frames = [frame async for frame in carrier.frames()]
    assert frames == [b"1", b"2"]


@pytest.mark.parametrize("reason", ["CLIENT_INITIATED", "SIGNAL_CLOSE", None])
async def test_a_user_that_connects_anew_is_still_the_same(
    room: FakeRoom, carrier: RoomCarrier, reason: str | None
) -> None:
    room.emit("participant_disconnected", user(reason))
    room.emit("participant_connected", user())
    await asyncio.sleep(0.15)
    room.receive(b"1")
    room.emit("disconnected", "closed")
    assert [frame async for frame in carrier.frames()] == [b"1"]


async def test_a_user_that_says_something_has_not_left(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    # LiveKit tells of a user without sound later than that brings its messages.
    room.emit("participant_disconnected", user("CLIENT_INITIATED"))
    room.receive(b"1")
    await asyncio.sleep(0.1)
    room.receive(b"2")
    room.emit("disconnected", "closed")
    assert [frame async for frame in carrier.frames()] == [b"1", b"2"]


async def test_a_user_that_was_lost_and_does_not_return_ends_it(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    room.emit("participant_disconnected", user("CONNECTION_TIMEOUT"))
    assert await within_a_second(anext(carrier.frames(), None)) is None


async def test_a_room_that_is_gone_ends_them_too(room: FakeRoom, carrier: RoomCarrier) -> None:
    room.emit("disconnected", "closed")
    assert [frame async for frame in carrier.frames()] == []


async def test_more_messages_than_can_wait_end_the_call(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    for _ in range(MOST_FRAMES_WAITING + 10):
        room.receive(b"x")
    frames = [frame async for frame in carrier.frames()]
    assert len(frames) == MOST_FRAMES_WAITING


async def test_a_user_is_there_when_it_is_told(room: FakeRoom, carrier: RoomCarrier) -> None:
    room.emit("participant_connected", None)
    assert await within_a_second(carrier.wait_for_user())


async def test_a_user_is_there_when_it_says_something(room: FakeRoom, carrier: RoomCarrier) -> None:
    room.receive(b"hello")
    assert await within_a_second(carrier.wait_for_user())


async def test_nobody_comes_into_a_room_that_is_closed(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    room.emit("disconnected", "closed")
    assert not await within_a_second(carrier.wait_for_user())


async def test_nobody_comes_into_a_room_that_is_withdrawn(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    room.emit("room_metadata_changed", "", "of somebody else")
    room.emit("room_metadata_changed", "", WITHDRAWN)
    assert not await within_a_second(carrier.wait_for_user())


async def test_a_user_who_has_left_unseen_ends_the_messages(
    room: FakeRoom, carrier: RoomCarrier
) -> None:
    room.receive(b"hello")
    assert not carrier.knows_user
    carrier.user_left()
    assert [frame async for frame in carrier.frames()] == [b"hello"]


async def test_nobody_is_waited_for_longer_than_a_token_lasts(
    carrier: RoomCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "TOKEN_LIFE_S", 0.01)
    assert not await within_a_second(carrier.wait_for_user())


async def test_events_go_out_as_json(room: FakeRoom, carrier: RoomCarrier) -> None:
    await carrier.send(InterruptionEvent(event_id=3))
    (data,) = room.local_participant.published
    assert json.loads(data) == {"type": "interruption", "interruption_event": {"event_id": 3}}


async def test_an_event_that_no_room_takes_is_left_out_and_logged(
    room: FakeRoom, carrier: RoomCarrier, caplog: pytest.LogCaptureFixture
) -> None:
    await carrier.send(AgentResponseEvent(agent_response="a" * 60_000, event_id=1))
    assert room.local_participant.published == []
    assert "agent_response has 600" in caplog.text


async def test_a_room_that_is_gone_is_told_as_such(room: FakeRoom, carrier: RoomCarrier) -> None:
    room.local_participant.is_gone = True
    with pytest.raises(ConnectionError):
        await carrier.send(InterruptionEvent(event_id=3))


def room_calls(most_calls: int = 1) -> RoomCalls:
    return RoomCalls(
        {"guide": define("guide")},
        Reception(ScriptedSpeech(), CallLimits()),
        Rooms(LiveKitSettings("ws://127.0.0.1:9", "key", "secret")),
        most_calls=most_calls,
    )


def test_a_server_takes_the_jobs_of_its_own_agents() -> None:
    calls = room_calls()
    assert calls.takes("guide")
    assert not calls.takes("nobody")


def test_rooms_that_wait_for_their_users_are_a_small_load() -> None:
    calls = room_calls(most_calls=1)
    assert calls.load(0) == 0.0
    assert calls.load(3) == 3 / MOST_WAITING
    assert calls.load(MOST_WAITING) == 1.0
