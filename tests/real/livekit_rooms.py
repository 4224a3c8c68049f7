"""What a LiveKit server says of its rooms."""

from __future__ import annotations

import asyncio

from livekit import api

from duologue.agent.settings import LiveKitSettings

LIMIT_S = 20.0


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
