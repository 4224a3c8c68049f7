"""An agent in a room with a name and a token of a test's own, and a hand on its track.

Where none of that matters, `ScriptedAgent` with a LiveKit server does the same.

async with RoomAgent(script, livekit) as agent:
    async with Conversation.start_session(**agent.options): ...
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Final

from livekit import api, rtc

from duologue.audio.samples import Samples
from duologue.audio.tracks.packets import SAMPLE_RATE_HZ
from duologue.testing import Script, ScriptedCall
from duologue.testing.room_sound import RoomSound
from duologue.testing.room_wire import RoomWire
from duologue.testing.stage import CLOSING_LIMIT_S, Stage
from tests.real.livekit_server import LiveKit

RATE_HZ: Final = SAMPLE_RATE_HZ
CLIENT: Final = "user_1"

_numbers = itertools.count(1)


class RoomAgent:
    """An agent in a room of its own, and a client's way into it.

    Scripts, and what becomes of what they raise, are as with `ScriptedAgent`. Its track is there
    from the beginning; `say` lets something be heard on it.

    Args:
        script: what it does in its one call.
        livekit: the server with the room.
        identity: by which it is known in the room.
    """

    def __init__(self, script: Script, livekit: LiveKit, *, identity: str = "agent_1") -> None:
        self.livekit = livekit
        self.room_name = f"room_{next(_numbers)}_conv_room{next(_numbers)}"
        self.identity = identity
        self.heard: list[bytes] = []
        self.room = rtc.Room()
        self._stage = Stage(script)
        self._wire = RoomWire(self.room)
        self._sound = RoomSound(self.room, self.heard.append)
        self._performance: asyncio.Task[None] | None = None

    @property
    def conversation_id(self) -> str:
        return self.room_name.partition("_conv_")[0] and "conv_" + self.room_name.split("conv_")[1]

    @property
    def options(self) -> Any:
        """The options with which a client comes into the room."""
        return {
            "conversation_token": self.livekit.token(self.room_name, CLIENT),
            "livekit_url": self.livekit.url,
        }

    @property
    def calls(self) -> list[ScriptedCall]:
        return self._stage.calls

    async def __aenter__(self) -> RoomAgent:
        await self.room.connect(self.livekit.url, self.livekit.token(self.room_name, self.identity))
        await self._sound.publish()
        self._performance = asyncio.create_task(self._stage.perform(self._wire, {}, ()))
        return self

    async def __aexit__(self, exception_type: object, *exception: object) -> None:
        assert self._performance is not None
        await asyncio.wait([self._performance], timeout=CLOSING_LIMIT_S)
        self._performance.cancel()
        await asyncio.wait([self._performance])
        await self._wire.close(1000, "")
        await self._sound.close()
        if exception_type is None:
            self._stage.raise_failure()

    async def say(self, samples: Samples) -> None:
        """Let samples at 48 kHz be heard, after what was said before."""
        await self._sound.say(samples)

    async def fall_silent(self) -> None:
        """Let nothing of what waits be heard."""
        await self._sound.fall_silent()

    async def delete_room(self) -> None:
        async with self.livekit.managed() as managed:
            await managed.room.delete_room(api.DeleteRoomRequest(room=self.room_name))
