"""An agent that does what a script says, in a LiveKit room: the counterpart of `ScriptedAgent`.

async with RoomAgent(script, livekit) as agent:
    async with Conversation.start_session(**agent.options): ...
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import Any, Final

from livekit import api, rtc

from duologue.audio.samples import Samples, bytes_from_samples
from duologue.protocol.codec import Frame
from duologue.testing import Script, ScriptedCall
from duologue.testing.stage import CLOSING_LIMIT_S, Stage
from tests.real.livekit_server import LiveKit

RATE_HZ: Final = 48_000
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
        self._wire: _RoomWire | None = None
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=10_000)
        self._ears: list[asyncio.Task[None]] = []
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
        self._wire = _RoomWire(self.room)
        self.room.on("track_subscribed", self._track_subscribed)
        await self.room.connect(self.livekit.url, self.livekit.token(self.room_name, self.identity))
        track = rtc.LocalAudioTrack.create_audio_track("agent", self._source)
        await self.room.local_participant.publish_track(track)
        self._performance = asyncio.create_task(self._stage.perform(self._wire, {}, ()))
        return self

    async def __aexit__(self, exception_type: object, *exception: object) -> None:
        assert self._performance is not None
        assert self._wire is not None
        await asyncio.wait([self._performance], timeout=CLOSING_LIMIT_S)
        self._performance.cancel()
        await asyncio.wait([self._performance])
        await self._wire.close(1000, "")
        for ear in self._ears:
            ear.cancel()
        await asyncio.gather(*self._ears, return_exceptions=True)
        await self._source.aclose()
        if exception_type is None:
            self._stage.raise_failure()

    async def say(self, samples: Samples) -> None:
        """Let samples at 48 kHz be heard, after what was said before."""
        data = bytes(bytes_from_samples(samples))
        await self._source.capture_frame(rtc.AudioFrame(data, RATE_HZ, 1, len(samples)))

    async def delete_room(self) -> None:
        async with self.livekit.managed() as managed:
            await managed.room.delete_room(api.DeleteRoomRequest(room=self.room_name))

    def _track_subscribed(self, track: rtc.Track, *_: object) -> None:
        self._ears.append(asyncio.create_task(self._hear(track)))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                self.heard.append(bytes(event.frame.data))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_LIMIT_S):
                    await stream.aclose()


class _RoomWire:
    """The agent's place in the room. See `duologue.testing.scripted_call.Wire`.

    A room knows no close codes: 1000 stands for an end of any kind, and to vanish is to leave.
    A client that is gone may come back within a second, if its connection is being made anew.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._leaving: asyncio.Task[None] | None = None
        self.close_code: int | None = None
        room.on("data_received", lambda packet: self._frames.put_nowait(packet.data))
        self._absence: asyncio.TimerHandle | None = None
        room.on("participant_disconnected", lambda participant: self._client_left())
        room.on("participant_connected", lambda participant: self._client_came())
        room.on("disconnected", lambda reason: self._ended())

    async def send(self, frame: Frame) -> None:
        with suppress(rtc.participant.PublishDataError):
            await self._room.local_participant.publish_data(frame, reliable=True)

    async def receive(self) -> Frame | None:
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
        return frame

    async def close(self, code: int, reason: str) -> None:
        self._client_came()
        self._ended()
        await self._room.disconnect()

    def vanish(self) -> None:
        self._leaving = asyncio.create_task(self._room.disconnect())

    def _client_left(self) -> None:
        self._absence = asyncio.get_running_loop().call_later(1, self._ended)

    def _client_came(self) -> None:
        if self._absence is not None:
            self._absence.cancel()

    def _ended(self) -> None:
        if self.close_code is None:
            self.close_code = 1000
            self._frames.put_nowait(None)
