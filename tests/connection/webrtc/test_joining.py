from __future__ import annotations

import asyncio
import logging

import pytest
from livekit import rtc

from duologue.connection.webrtc import joining as room_joining
from duologue.connection.webrtc.entry import RoomAccess, RoomSettings
from duologue.connection.webrtc.joining import join, leave
from duologue.errors import SessionConnectionError

LIMIT_S = 5
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl"


def test_a_token_is_taken_out_of_livekits_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "livekit"):
        logging.getLogger("livekit").warning("%s: invalid token: %s, %s", "here", TOKEN, "so")
        logging.getLogger("livekit").warning("%s is %d", "nothing", 1)
    assert caplog.messages == ["here: invalid token: …, so", "nothing is 1"]


async def test_a_server_that_is_not_there_is_told_without_the_token() -> None:
    access = RoomAccess(livekit_url="ws://127.0.0.1:9", token=TOKEN)
    settings = RoomSettings(ice_transport_policy="relay", single_peer_connection=False)
    with pytest.raises(SessionConnectionError, match=r"ws://127.0.0.1:9 cannot be reached") as told:
        await join(rtc.Room(), access, settings, timeout_s=5, with_sound=False)
    assert "connection_type='websocket'" in str(told.value)
    assert TOKEN not in str(told.value)


async def test_leaving_a_room_that_was_never_joined_does_nothing() -> None:
    await leave(rtc.Room())


class HangingRoom(rtc.Room):
    """A room that can only be left once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.was_left = asyncio.Event()

    async def disconnect(self, **_: object) -> None:
        await self.let_go.wait()
        self.was_left.set()


async def test_a_room_that_hangs_is_left_as_soon_as_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room_joining, "LEAVE_LIMIT_S", 0.02)
    room = HangingRoom()
    await asyncio.wait_for(leave(room), LIMIT_S)
    assert not room.was_left.is_set()
    room.let_go.set()
    await asyncio.wait_for(room.was_left.wait(), LIMIT_S)
