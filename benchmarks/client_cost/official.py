"""ElevenLabs' own Python SDK, with sound in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from elevenlabs import ElevenLabs
from elevenlabs.conversational_ai.conversation import (
    AsyncAudioInterface,
    AsyncConversation,
    AudioInterface,
    Conversation,
)

from benchmarks.client_cost.client import PROBE_EVERY
from benchmarks.client_cost.load import CHUNK_MS, MESSAGE_EVERY_S, chunks


def _sdk(origin: str) -> ElevenLabs:
    http = origin.replace("ws", "http", 1)
    return ElevenLabs(api_key="none", base_url=http)


CHUNKS = chunks()


class Async:
    """`AsyncConversation`; see `benchmarks.client_cost.client.Client`."""

    def __init__(self, origin: str, medium: str) -> None:
        self._sdk = _sdk(origin)
        self._is_written = medium == "text"
        self._conversations: list[Any] = []
        self._connected = 0
        self._all_connected = asyncio.Event()
        self._calls = 0
        self._writing: asyncio.Task[None] | None = None
        self.arrivals_s: list[list[float]] = []

    async def start(self, calls: int) -> None:
        self._calls = calls
        for number in range(calls):
            self._conversations.append(self._conversation(number))
        await asyncio.gather(*(one.start_session() for one in self._conversations))
        await self._all_connected.wait()
        if self._is_written:
            self._writing = asyncio.create_task(self._write())

    async def end(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
        await asyncio.gather(*(one.end_session() for one in self._conversations))
        await asyncio.gather(*(one.wait_for_session_end() for one in self._conversations))

    def lost(self) -> dict[str, float]:
        return {}

    def _conversation(self, number: int) -> Any:
        arrivals: list[float] | None = None
        if number % PROBE_EVERY == 0:
            arrivals = []
            self.arrivals_s.append(arrivals)
        return AsyncConversation(
            self._sdk,
            "text" if self._is_written else "voice",
            requires_auth=False,
            audio_interface=_AsyncSound(arrivals, self._note_connected),
        )

    def _note_connected(self) -> None:
        self._connected += 1
        if self._connected == self._calls:
            self._all_connected.set()

    async def _write(self) -> None:
        while True:
            pause_s = MESSAGE_EVERY_S / len(self._conversations)
            for conversation in self._conversations:
                await conversation.send_user_message("Go on.")
                await asyncio.sleep(pause_s)


class _AsyncSound(AsyncAudioInterface):
    def __init__(self, arrivals_s: list[float] | None, started: Callable[[], None]) -> None:
        self._arrivals_s = arrivals_s
        self._started = started
        self._speaking: asyncio.Task[None] | None = None

    async def start(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        self._speaking = asyncio.create_task(self._speak(input_callback))
        self._started()

    async def stop(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    async def output(self, audio: bytes) -> None:
        if self._arrivals_s is not None:
            self._arrivals_s.append(time.monotonic())

    async def interrupt(self) -> None:
        pass

    async def _speak(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        began_s, number = time.monotonic(), 0
        while True:
            number += 1
            await asyncio.sleep(max(0.0, began_s + number * CHUNK_MS / 1000 - time.monotonic()))
            await send(CHUNKS[number % len(CHUNKS)])


class Threaded:
    """`Conversation`, which has threads; see `benchmarks.client_cost.client.Client`."""

    def __init__(self, origin: str, medium: str) -> None:
        self._sdk = _sdk(origin)
        self._is_written = medium == "text"
        self._conversations: list[Any] = []
        self._connected = threading.Semaphore(0)
        self._stopping = threading.Event()
        self.arrivals_s: list[list[float]] = []

    async def start(self, calls: int) -> None:
        await asyncio.to_thread(self._start, calls)

    async def end(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._end)

    def lost(self) -> dict[str, float]:
        return {}

    def _start(self, calls: int) -> None:
        for number in range(calls):
            arrivals: list[float] | None = None
            if number % PROBE_EVERY == 0:
                arrivals = []
                self.arrivals_s.append(arrivals)
            conversation: Any = Conversation(
                self._sdk,
                "text" if self._is_written else "voice",
                requires_auth=False,
                audio_interface=_ThreadedSound(arrivals, self._connected.release),
            )
            conversation.start_session()
            self._conversations.append(conversation)
        for _ in range(calls):
            self._connected.acquire()
        if self._is_written:
            threading.Thread(target=self._write, daemon=True).start()

    def _end(self) -> None:
        for conversation in self._conversations:
            conversation.end_session()
        for conversation in self._conversations:
            conversation.wait_for_session_end()

    def _write(self) -> None:
        pause_s = MESSAGE_EVERY_S / len(self._conversations)
        while True:
            for conversation in self._conversations:
                if self._stopping.wait(pause_s):
                    return
                conversation.send_user_message("Go on.")


class _ThreadedSound(AudioInterface):
    def __init__(self, arrivals_s: list[float] | None, started: Callable[[], None]) -> None:
        self._arrivals_s = arrivals_s
        self._started = started
        self._stopping = threading.Event()

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        threading.Thread(target=self._speak, args=(input_callback,), daemon=True).start()
        self._started()

    def stop(self) -> None:
        self._stopping.set()

    def output(self, audio: bytes) -> None:
        if self._arrivals_s is not None:
            self._arrivals_s.append(time.monotonic())

    def interrupt(self) -> None:
        pass

    def _speak(self, send: Callable[[bytes], None]) -> None:
        began_s, number = time.monotonic(), 0
        while True:
            number += 1
            if self._stopping.wait(max(0.0, began_s + number * CHUNK_MS / 1000 - time.monotonic())):
                return
            send(CHUNKS[number % len(CHUNKS)])
