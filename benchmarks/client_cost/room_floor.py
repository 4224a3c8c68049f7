"""The floor in rooms: LiveKit's library, a track that is pushed and one that is read.

It knows no rules, plays nothing, and follows no messages but the first.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Final

import aiohttp
from livekit import rtc

from benchmarks.client_cost.load import ROOMS_AT_ONCE, speech

RATE_HZ: Final = 48_000
FRAME_MS: Final = 10
FRAME: Final = RATE_HZ * FRAME_MS // 1000


class RoomFloor:
    """See `benchmarks.client_cost.client.Client`. When sound came is not known in rooms."""

    def __init__(self, origin: str, medium: str) -> None:
        self._origin = origin.replace("ws", "http", 1)
        self._rooms: list[rtc.Room] = []
        self._sources: list[rtc.AudioSource] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: list[rtc.AudioStream] = []
        self.arrivals_s: list[list[float]] = []

    async def start(self, calls: int) -> None:
        async with aiohttp.ClientSession() as http:
            turns = asyncio.Semaphore(ROOMS_AT_ONCE)
            await asyncio.gather(*(self._join(http, turns) for _ in range(calls)))
        self._tasks.append(asyncio.create_task(self._speak()))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(stream.aclose() for stream in self._streams))
        await asyncio.gather(*(source.aclose() for source in self._sources))
        await asyncio.gather(*(room.disconnect() for room in self._rooms))

    def lost(self) -> dict[str, float]:
        return {}

    async def _join(self, http: aiohttp.ClientSession, turns: asyncio.Semaphore) -> None:
        async with turns:
            url = f"{self._origin}/v1/convai/conversation/token?agent_id=voice"
            async with http.get(url) as response:
                way = await response.json()
            room = rtc.Room()
            self._rooms.append(room)
            room.on("track_subscribed", self._subscribed)
            await room.connect(way["livekit_url"], way["token"])
            source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
            self._sources.append(source)
            track = rtc.LocalAudioTrack.create_audio_track("user", source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)
            initiation = json.dumps({"type": "conversation_initiation_client_data"})
            await room.local_participant.publish_data(initiation.encode())

    def _subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
            self._streams.append(stream)
            self._tasks.append(asyncio.create_task(self._hear(stream)))

    async def _hear(self, stream: rtc.AudioStream) -> None:
        async for _ in stream:
            pass

    async def _speak(self) -> None:
        second = speech(3.0)[:RATE_HZ].tobytes()
        began_s = time.monotonic()
        for number in itertools.count(1):
            await asyncio.sleep(max(0.0, began_s + number * FRAME_MS / 1000 - time.monotonic()))
            start = 2 * FRAME * (number % (1000 // FRAME_MS))
            for source in self._sources:
                frame = rtc.AudioFrame(second[start : start + 2 * FRAME], RATE_HZ, 1, FRAME)
                await source.capture_frame(frame)
