"""This library, as a program with many calls uses it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from benchmarks.client_cost.client import PROBE_EVERY
from benchmarks.client_cost.load import (
    CHUNK_MS,
    MESSAGE_EVERY_S,
    RATE_HZ,
    ROOMS_AT_ONCE,
    speech,
)
from duologue import Conversation, TextConversation, VoiceConversation
from duologue.audio import ArraySource
from duologue.audio.devices.substitutes import UnheardSink
from duologue.dialogue.values import AgentAudio

USER_SPEAKS_S = 600.0
"""Longer than any measurement. All users speak the same array."""


class Ours:
    """See `benchmarks.client_cost.client.Client`."""

    def __init__(self, origin: str, medium: str) -> None:
        self._origin = origin
        self._is_written = medium == "text"
        self._in_rooms = medium == "room"
        self._speech = speech(0.0 if self._is_written else USER_SPEAKS_S)
        self._conversations: list[VoiceConversation] | list[TextConversation] = []
        self._writing: asyncio.Task[None] | None = None
        self.arrivals_s: list[list[float]] = []

    async def start(self, calls: int) -> None:
        if self._is_written:
            written = await asyncio.gather(*(self._start_written() for _ in range(calls)))
            self._conversations = list(written)
            self._writing = asyncio.create_task(self._write())
        else:
            turns = asyncio.Semaphore(ROOMS_AT_ONCE if self._in_rooms else calls)
            spoken = await asyncio.gather(
                *(self._start_spoken(number, turns) for number in range(calls))
            )
            self._conversations = list(spoken)

    async def end(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
        await asyncio.gather(*(one.end_session() for one in self._conversations))

    def lost(self) -> dict[str, float]:
        counters = [one.audio_counters for one in self._conversations]
        return {
            "chunks_dropped": sum(one.chunks_dropped for one in counters),
            "dropped_ms": sum(one.dropped_ms for one in counters),
            "underrun_ms": sum(one.underrun_ms for one in counters),
            "late_captures": sum(one.late_captures for one in counters),
        }

    async def _start_spoken(self, number: int, turns: asyncio.Semaphore) -> VoiceConversation:
        async with turns:
            return await Conversation.start_session(
                agent_id="voice",
                connection_type="webrtc" if self._in_rooms else "websocket",
                origin=self._origin,
                microphone=ArraySource(self._speech, RATE_HZ),
                speaker=UnheardSink(RATE_HZ),
                input_chunk_duration_ms=CHUNK_MS,
                connect_timeout=30.0,
                on_audio=self._probe()
                if number % PROBE_EVERY == 0 and not self._in_rooms
                else None,
            )

    async def _start_written(self) -> TextConversation:
        return await Conversation.start_session(
            agent_id="text", origin=self._origin, text_only=True, connect_timeout=30.0
        )

    def _probe(self) -> Callable[[AgentAudio], None]:
        arrivals: list[float] = []
        self.arrivals_s.append(arrivals)

        def arrived(audio: AgentAudio) -> None:
            arrivals.append(time.monotonic())

        return arrived

    async def _write(self) -> None:
        while True:
            pause_s = MESSAGE_EVERY_S / len(self._conversations)
            for conversation in self._conversations:
                conversation.send_user_message("Go on.")
                await asyncio.sleep(pause_s)
