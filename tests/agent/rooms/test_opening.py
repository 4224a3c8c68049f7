"""The tokens of rooms. How rooms open and close is tested with a real LiveKit server."""

from __future__ import annotations

import time

import jwt
import pytest

from duologue.agent.rooms.opening import TOKEN_LIFE_S, Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.errors import ServerError

SECRET = "a secret of this test: 32 bytes or more"
SETTINGS = LiveKitSettings("ws://127.0.0.1:9", "key", SECRET)


def test_a_token_is_for_one_room_and_a_short_while() -> None:
    token = Rooms(SETTINGS).token("conv_1")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["iss"] == "key"
    assert claims["sub"].startswith("user_")
    assert claims["exp"] <= time.time() + TOKEN_LIFE_S + 1
    assert claims["video"] == {
        "roomJoin": True,
        "room": "conv_1",
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }


def test_no_two_users_are_the_same() -> None:
    rooms = Rooms(SETTINGS)
    users = {
        jwt.decode(rooms.token("conv_1"), SECRET, algorithms=["HS256"])["sub"] for _ in range(5)
    }
    assert len(users) == 5


async def test_a_livekit_server_that_cannot_be_reached_is_an_error() -> None:
    async with Rooms(SETTINGS) as rooms:
        with pytest.raises(ServerError, match="LiveKit did not open a room"):
            await rooms.open("agent")
        await rooms.delete("conv_1")
