"""What a LiveKit server says of its rooms."""

from __future__ import annotations

import asyncio

from livekit import api

from duologue.agent.settings import LiveKitSettings

LIMIT_S = 20.0


async def room_names(livekit: LiveKitSettings) -> set[str]:
    """The names of all rooms there are."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        rooms = (await client.room.list_rooms(api.ListRoomsRequest())).rooms
    return {room.name for room in rooms}


async def until_opened(livekit: LiveKitSettings, before: set[str]) -> str:
    """Wait until there is one more room than before, and give its name.

    Raises:
        TimeoutError: there is none after 20 s.
    """
    async with asyncio.timeout(LIMIT_S):
        while True:
            for name in await room_names(livekit) - before:
                return name
            await asyncio.sleep(0.005)


async def until_deleted(livekit: LiveKitSettings, name: str) -> None:
    """Wait until there is no room of this name.

    Raises:
        TimeoutError: it is still there after 20 s.
    """
    request = api.ListRoomsRequest(names=[name])
    async with (
        asyncio.timeout(LIMIT_S),
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client,
    ):
        while True:
            if not (await client.room.list_rooms(request)).rooms:
                return
            await asyncio.sleep(0.05)
