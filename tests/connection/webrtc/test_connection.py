"""What a place in a room makes of what happens there; that it does happen, `tests/real` shows."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc

from duologue.connection.webrtc import connection as webrtc
from duologue.connection.webrtc.connection import WebRtcConnection
from duologue.dialogue.values import ConnectionNotice, Disconnection
from duologue.protocol.client_messages import Pong, UserAudioChunk
from duologue.protocol.codec import MalformedEvent, encode_server_event
from duologue.protocol.server_events import (
    Alignment,
    AudioEvent,
    ConversationMetadataEvent,
    PingEvent,
)

ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
JOINED = rtc.ParticipantState.PARTICIPANT_STATE_JOINED
PING = PingEvent(event_id=1)
LIMIT_S = 5


def participant(identity: str, reason: str | None = None, state: Any = ACTIVE) -> Any:
    value = None if reason is None else rtc.DisconnectReason.Value(reason)
    return SimpleNamespace(identity=identity, state=state, disconnect_reason=value)


class Room(rtc.Room):
    """A room without a server: a test says what happens in it."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []
        self.here: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return "room_conv_7"

    @property
    def remote_participants(self) -> dict[str, Any]:
        return self.here

    @property
    def local_participant(self) -> Any:
        return self

    async def publish_data(self, payload: str, *, reliable: bool) -> None:
        assert reliable
        self.published.append(payload)

    def come(self, identity: str, state: Any = ACTIVE) -> None:
        self.here[identity] = participant(identity, state=state)
        self.emit("participant_connected", self.here[identity])

    def go(self, identity: str, reason: str | None = None) -> None:
        del self.here[identity]
        self.emit("participant_disconnected", participant(identity, reason))

    def say(self, data: bytes, sender: str | None = "agent_1", topic: str = "") -> None:
        who = None if sender is None else participant(sender)
        self.emit("data_received", SimpleNamespace(data=data, participant=who, topic=topic))


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    room = Room()
    monkeypatch.setattr(rtc, "Room", lambda: room)
    monkeypatch.setattr(webrtc, "MAY_RETURN", {"CLIENT_INITIATED": 0.05, "UNKNOWN_REASON": 0.05})
    return room


@pytest.fixture
async def connection(room: Room) -> AsyncIterator[WebRtcConnection]:
    connection = WebRtcConnection(with_sound=True)
    room.come("agent_1")
    yield connection
    await connection.close()


async def received(connection: WebRtcConnection) -> Any:
    async with asyncio.timeout(LIMIT_S):
        return await connection.receive()


async def test_only_what_the_agent_says_without_a_topic_counts(
    room: Room, connection: WebRtcConnection
) -> None:
    frame = encode_server_event(PING).encode()
    room.say(frame, sender="user_2")
    room.say(frame, topic="lk.transcription")
    room.say(b"\xff")
    room.say(frame)
    room.say(frame, sender=None)
    garbage = await received(connection)
    assert isinstance(garbage, MalformedEvent)
    assert garbage.frame == b"\xff"
    assert [await received(connection) for _ in range(2)] == [PING, PING]


async def test_of_sound_in_messages_the_captions_count(
    room: Room, connection: WebRtcConnection
) -> None:
    alignment = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[1])
    event = AudioEvent(audio=b"\1\2", event_id=3, alignment=alignment)
    room.say(encode_server_event(event).encode())
    assert await received(connection) == AudioEvent(audio=b"", event_id=3, alignment=alignment)


async def test_the_rooms_name_and_the_transports_formats_hold(
    connection: WebRtcConnection,
) -> None:
    said = ConversationMetadataEvent(
        conversation_id="conv_1",
        agent_output_audio_format="ulaw_8000",
        user_input_audio_format="pcm_16000",
    )
    agreed = connection.agreed(said)
    assert agreed.conversation_id == "conv_7"
    assert agreed.agent_output_audio_format == "pcm_48000"
    assert agreed.user_input_audio_format == "pcm_48000"


async def test_an_agent_that_is_removed_has_ended_it_at_once(
    room: Room, connection: WebRtcConnection
) -> None:
    room.go("agent_1", "PARTICIPANT_REMOVED")
    end = await received(connection)
    assert end.reason == "agent"


@pytest.mark.parametrize(
    ("reason", "ends"),
    [("CLIENT_INITIATED", "agent"), (None, "error"), ("CONNECTION_TIMEOUT", "error")],
)
async def test_an_agent_that_does_not_come_back_has_ended_it(
    room: Room, connection: WebRtcConnection, reason: str | None, ends: str
) -> None:
    room.go("agent_1", reason)
    assert (await received(connection)).reason == ends


async def test_an_agent_that_comes_back_goes_on_and_gets_what_was_said_meanwhile(
    room: Room, connection: WebRtcConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "MAY_RETURN", {"CLIENT_INITIATED": 60.0})
    room.go("agent_1", "CLIENT_INITIATED")
    sending = asyncio.create_task(connection.send(Pong(event_id=1)))
    room.come("agent_1", state=JOINED)
    await asyncio.sleep(0)
    assert not room.published  # it would not get it yet
    room.here["agent_1"].state = ACTIVE
    room.emit("participant_active", room.here["agent_1"])
    await asyncio.wait_for(sending, LIMIT_S)
    assert len(room.published) == 1


async def test_of_two_agents_one_may_leave(room: Room, connection: WebRtcConnection) -> None:
    room.come("agent_2")
    room.go("agent_1", "CLIENT_INITIATED")
    room.come("user_2")
    room.go("user_2", "CLIENT_INITIATED")
    room.say(encode_server_event(PING).encode(), sender="agent_2")
    assert await received(connection) == PING
    room.go("agent_2", "ROOM_CLOSED")
    assert (await received(connection)).reason == "agent"


async def test_a_connection_made_anew_is_told_and_keeps_messages_waiting(
    room: Room, connection: WebRtcConnection
) -> None:
    room.go("agent_1")  # as LiveKit has it
    room.emit("reconnecting")
    sending = asyncio.create_task(connection.send(Pong(event_id=1)))
    await asyncio.sleep(0.1)
    assert not room.published
    room.come("agent_1")
    room.emit("reconnected")
    await asyncio.wait_for(sending, LIMIT_S)
    assert len(room.published) == 1
    kinds = [(await received(connection)).kind for _ in range(2)]
    assert kinds == ["reconnecting", "reconnected"]


async def test_a_loss_that_two_signs_tell_of_is_told_once(
    room: Room, connection: WebRtcConnection
) -> None:
    connection._lost("silence")
    room.emit("reconnecting")
    connection._found("silence")
    room.emit("reconnected")
    room.say(encode_server_event(PING).encode())
    kinds = [getattr(await received(connection), "kind", None) for _ in range(3)]
    assert kinds == ["reconnecting", "reconnected", None]


async def test_a_connection_that_does_not_come_back_is_an_error(
    room: Room, connection: WebRtcConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "LOST_LIMIT_S", 0.05)
    room.emit("reconnecting")
    sending = asyncio.create_task(connection.send(Pong(event_id=1)))
    assert isinstance(await received(connection), ConnectionNotice)
    end = await received(connection)
    assert (end.reason, end.context) == ("error", {"type": "connection_state_changed"})
    await asyncio.wait_for(sending, LIMIT_S)
    assert not room.published


async def test_a_connection_that_was_found_again_is_not_given_up(
    room: Room, connection: WebRtcConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "LOST_LIMIT_S", 0.05)
    room.emit("reconnecting")
    room.emit("reconnected")
    await asyncio.sleep(0.1)
    room.say(encode_server_event(PING).encode())
    assert [await received(connection) for _ in range(3)][2] == PING


async def test_an_agent_that_is_not_there_after_all_is_an_error(
    room: Room, connection: WebRtcConnection
) -> None:
    room.emit("reconnecting")
    room.go("agent_1")
    room.emit("reconnected")
    assert isinstance(await received(connection), ConnectionNotice)
    assert isinstance(await received(connection), ConnectionNotice)
    assert (await received(connection)).reason == "error"


async def test_the_end_of_the_room_is_the_last_and_nothing_is_sent_after_it(
    room: Room, connection: WebRtcConnection
) -> None:
    room.say(encode_server_event(PING).encode())
    room.emit("disconnected", rtc.DisconnectReason.SERVER_SHUTDOWN)
    room.emit("disconnected", rtc.DisconnectReason.UNKNOWN_REASON)
    await connection.send(Pong(event_id=1))
    await connection.send(UserAudioChunk(audio=b"\0\0"))
    assert await received(connection) == PING
    assert (await received(connection)).reason == "agent"
    assert not room.published


async def test_closing_is_the_users_end_wakes_whoever_waits_and_may_be_done_twice(
    room: Room, connection: WebRtcConnection
) -> None:
    waiting = asyncio.create_task(connection.receive())
    await asyncio.sleep(0)
    await connection.close()
    await connection.close()
    assert await waiting == Disconnection.by_user()


async def test_nothing_is_lost_any_more_after_the_end(
    room: Room, connection: WebRtcConnection
) -> None:
    room.emit("disconnected", rtc.DisconnectReason.UNKNOWN_REASON)
    room.emit("reconnecting")
    assert isinstance(await received(connection), Disconnection)
    await asyncio.wait_for(connection.send(Pong(event_id=1)), LIMIT_S)


async def test_a_room_does_not_hold_a_connection_that_was_closed(room: Room) -> None:
    connection = WebRtcConnection(with_sound=False)
    reference = weakref.ref(connection)
    await connection.close()
    del connection
    gc.collect()
    assert reference() is None


async def test_without_a_microphone_sound_goes_nowhere(connection: WebRtcConnection) -> None:
    await connection.send(UserAudioChunk(audio=b"\0\0"))
