"""A user in a LiveKit room, made of `livekit.rtc` alone: what any client is to the agent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from livekit import rtc

from duologue.audio.samples import Samples
from tests.real.waiting import eventually

RATE_HZ = 48_000
FRAME_SAMPLES = RATE_HZ // 50
LOUD = 500
"""Of 32,768: above the noise of a codec, below any voice."""


@dataclass
class RoomUser:
    """One call, from the user's side.

    Attributes:
        room: where it is.
        events: every message of the agent, in order.
        heard: the agent's track until now, in frames of 20 ms at 48 kHz.
        left: identities of those who have left the room.
        disconnections: why the room was left, if it was.
    """

    room: rtc.Room
    source: rtc.AudioSource
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Samples] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    disconnections: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.room.on("data_received", self._on_data)
        self.room.on("track_subscribed", self._on_track)
        self.room.on("participant_disconnected", lambda who: self.left.append(who.identity))
        self.room.on("disconnected", self.disconnections.append)

    @property
    def conversation_id(self) -> str:
        """As the room's name has it."""
        return self.room.name

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.room.local_participant.publish_data(json.dumps(message))

    async def initiate(self, **fields: Any) -> None:
        """Send the first message."""
        await self.send(type="conversation_initiation_client_data", **fields)

    async def publish_microphone(self) -> None:
        """Offer a track, silent as yet."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)

    async def speak(self, samples: Samples) -> None:
        """Say something in real time; returns soon after its end."""
        for start in range(0, len(samples), FRAME_SAMPLES):
            chunk = samples[start : start + FRAME_SAMPLES]
            await self.source.capture_frame(rtc.AudioFrame(chunk.tobytes(), RATE_HZ, 1, len(chunk)))
        await self.source.wait_for_playout()

    async def expect(self, kind: str, *, count: int = 1) -> dict[str, Any]:
        """What the message of a type has inside, at that count."""
        await eventually(lambda: len(self.of(kind)) >= count, f"{kind}, time {count}")
        return self.of(kind)[count - 1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a type so far, without their envelope."""
        return [
            next((value for key, value in event.items() if key != "type"), {})
            for event in self.events
            if event["type"] == kind
        ]

    def loud_frames(self) -> list[bool]:
        """Which of the frames heard so far are louder than silence."""
        return [bool(np.abs(frame.astype(np.int32)).max() > LOUD) for frame in self.heard]

    def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        event = json.loads(packet.data)
        self.events.append(event)
        if event["type"] == "ping":
            self._spawn(self.send(type="pong", event_id=event["ping_event"]["event_id"]))

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        self._spawn(self._hear(track))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=20)
        try:
            async for event in stream:
                self.heard.append(np.frombuffer(bytes(event.frame.data), dtype=np.int16))
        finally:
            await stream.aclose()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def ask_token(
    origin: str, agent_id: str = "test", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """The HTTP status and the JSON of a request for a token."""
    url = f"{origin}/v1/convai/conversation/token"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"agent_id": agent_id}, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


@asynccontextmanager
async def in_a_room(origin: str, agent_id: str = "test") -> AsyncIterator[RoomUser]:
    """A user in the room of a new conversation; it has said nothing yet."""
    status, answer = await ask_token(origin, agent_id)
    assert status == 200, answer
    room = rtc.Room()
    user = RoomUser(room, rtc.AudioSource(RATE_HZ, 1, 1000))
    try:
        await room.connect(answer["livekit_url"], answer["token"])
        yield user
    finally:
        user.close()
        await room.disconnect()
        await user.source.aclose()
