"""The way to a room, and to WebSocket instead. The room itself is played by `tests/real`."""

from __future__ import annotations

from typing import Any

import pytest

from duologue import Conversation
from duologue.connection.webrtc.entry import RoomAccess, RoomSettings
from duologue.conversation.starting import connecting
from duologue.dialogue.values import ConnectionNotice
from duologue.errors import ConversationTokenRefused, SessionConnectionError
from duologue.protocol.server_events import ConversationMetadataEvent
from duologue.testing import Begin, Listen, ScriptedAgent
from tests.connection.answering import answering
from tests.conversation.fakes import Log, ManualConnection, ManualSink, ManualSource

METADATA = ConversationMetadataEvent(
    conversation_id="conv_1",
    agent_output_audio_format="pcm_16000",
    user_input_audio_format="pcm_16000",
)


class Rooms:
    """Stands for all rooms, and keeps with what they were entered."""

    def __init__(self) -> None:
        self.entered: list[tuple[RoomAccess, RoomSettings, bool]] = []

    async def open_room(
        self, access: RoomAccess, *, timeout_s: float, with_sound: bool, settings: RoomSettings
    ) -> ManualConnection:
        assert 0 < timeout_s <= 10
        self.entered.append((access, settings, with_sound))
        connection = ManualConnection()
        connection.say(METADATA)
        return connection

    @property
    def access(self) -> RoomAccess:
        return self.entered[0][0]


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Rooms:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    rooms = Rooms()
    monkeypatch.setattr(connecting, "open_room", rooms.open_room)
    return rooms


async def write(**options: Any) -> None:
    async with Conversation.start_session(text_only=True, **options) as conversation:
        assert conversation.id == "conv_1"


async def test_a_token_opens_its_room_and_nobody_is_asked(rooms: Rooms) -> None:
    await write(
        conversation_token="t", livekit_url="ws://l", web_rtc={"single_peer_connection": True}
    )
    assert rooms.entered == [
        (
            RoomAccess(livekit_url="ws://l", token="t"),
            RoomSettings(single_peer_connection=True),
            False,
        )
    ]


async def test_a_server_names_its_livekit_itself(rooms: Rooms) -> None:
    async with answering({"token": "t", "livekit_url": "ws://l"}) as (origin, _):
        await write(agent_id="a", origin=origin, connection_type="webrtc")
    assert rooms.access == RoomAccess(livekit_url="ws://l", token="t")


async def test_the_callers_livekit_comes_before_the_servers(rooms: Rooms) -> None:
    async with answering({"token": "t", "livekit_url": "ws://l"}) as (origin, _):
        await write(agent_id="a", origin=origin, livekit_url="ws://mine")
    assert rooms.access.livekit_url == "ws://mine"


async def test_a_server_that_does_not_say_where_its_rooms_are_is_told(rooms: Rooms) -> None:
    async with answering({"token": "t"}) as (origin, _):
        with pytest.raises(SessionConnectionError, match=r"did not say where .* pass livekit_url"):
            await write(agent_id="a", origin=origin, connection_type="webrtc")
    assert not rooms.entered


async def test_a_private_agent_without_a_key_says_what_is_needed(rooms: Rooms) -> None:
    async with answering({"detail": {"message": "private"}}, status=401) as (origin, _):
        with pytest.raises(ConversationTokenRefused, match="needs a conversation_token"):
            await write(agent_id="a", origin=origin, connection_type="webrtc")


async def test_a_key_that_was_merely_found_keeps_nobody_from_a_public_agent(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering({"detail": "no"}, status=401) as (origin, requests):
        monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
        monkeypatch.setenv("DUOLOGUE_API_KEY", "k")
        with pytest.raises(ConversationTokenRefused):
            await write(agent_id="a", connection_type="webrtc")
    assert [request.headers.get("xi-api-key") for request in requests] == ["k", None]


async def test_a_server_without_webrtc_is_talked_to_over_websocket_if_nobody_asked_for_it(
    rooms: Rooms,
) -> None:
    log = Log()
    async with (
        ScriptedAgent([Begin(), Listen()]) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=ManualSource(),
            speaker=ManualSink(),
            **log.options("on_debug"),
        ),
    ):
        pass
    (notice,) = log.of("on_debug")
    assert isinstance(notice, ConnectionNotice)
    assert notice.kind == "websocket_instead"
    assert "501" in notice.message
    assert not rooms.entered


async def test_a_server_without_webrtc_is_told_if_it_was_asked_for(rooms: Rooms) -> None:
    async with ScriptedAgent([Begin()]) as agent:
        with pytest.raises(ConversationTokenRefused, match="pass connection_type='websocket'"):
            await write(agent_id="a", origin=agent.origin, connection_type="webrtc")


async def test_another_refusal_is_no_reason_for_another_transport(rooms: Rooms) -> None:
    async with answering({"detail": "no"}, status=500) as (origin, _):
        with pytest.raises(ConversationTokenRefused):
            await Conversation.start_session(
                agent_id="a", origin=origin, microphone=ManualSource(), speaker=ManualSink()
            )
