"""Stand-ins for the parts of a conversation, all worked by hand, and a log of its callbacks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from duologue.audio.endpoints import log_failure
from duologue.audio.playout.jitter_buffer import START_MS
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence
from duologue.connection.base import Take, each_received
from duologue.conversation.telling.callbacks import Callbacks
from duologue.dialogue.values import Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Incoming
from duologue.protocol.server_events import ConversationMetadataEvent


class ManualSource:
    """A microphone that records what a test says.

    Args:
        start: what happens as it is started.
        stop: what happens as it is stopped.
    """

    def __init__(
        self,
        sample_rate_hz: int = 16_000,
        *,
        start: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self.running = False
        self.starts = 0
        self._deliver: Callable[[memoryview], None] | None = None
        self._on_start = start
        self._on_stop = stop

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        self._on_start()
        self.starts += 1
        self._deliver = deliver
        self.running = True

    def stop(self) -> None:
        self._on_stop()
        self.running = False

    def say(self, samples: Samples) -> None:
        """Deliver samples, even after the end, as a driver may that is late."""
        assert self._deliver is not None
        self._deliver(bytes_from_samples(samples))

    def say_bytes(self, data: bytes) -> None:
        assert self._deliver is not None
        self._deliver(memoryview(data))


class ManualSink:
    """A speaker that plays when a test lets it. The arguments are those of `ManualSource`."""

    def __init__(
        self,
        sample_rate_hz: int = 16_000,
        *,
        start: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self.running = False
        self._render: Callable[[int], memoryview] | None = None
        self._on_start = start
        self._on_stop = stop

    def start(self, render: Callable[[int], memoryview]) -> None:
        self._on_start()
        self._render = render
        self.running = True

    def stop(self) -> None:
        self._on_stop()
        self.running = False

    def play(self, duration_ms: int) -> Samples:
        """Play for so long, in blocks of 10 ms as a device does; returns what was heard."""
        assert self._render is not None
        block = self.sample_rate_hz // 100
        parts = [samples_from_bytes(self._render(block)) for _ in range(duration_ms // 10)]
        return np.concatenate((silence(0), *parts))


class Hanging:
    """Something that hangs until it is released, as a driver does; for at most 20 s."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._released = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        self._released.wait(20)

    def release(self) -> None:
        self._released.set()


class ManualConnection:
    """A connection whose other end is the test."""

    chunk_ms = 20
    start_ms = START_MS

    def __init__(self) -> None:
        self.sent: list[ClientMessage] = []
        self.closed = False
        self.takes = asyncio.Event()
        self.takes.set()
        self._incoming: asyncio.Queue[Incoming | Disconnection] = asyncio.Queue()

    def say(self, *incoming: Incoming | Disconnection) -> None:
        for event in incoming:
            self._incoming.put_nowait(event)

    async def send(self, message: ClientMessage) -> None:
        await self.takes.wait()
        self.sent.append(message)

    def send_at_once(self, message: ClientMessage) -> bool:
        if not self.takes.is_set():
            return False
        self.sent.append(message)
        return True

    async def receive(self) -> Incoming | Disconnection:
        return await self._incoming.get()

    async def receive_all(self, take: Take) -> Disconnection:
        return await each_received(self.receive, take)

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        return metadata

    async def close(self) -> None:
        self.closed = True


class Log:
    """What callbacks were called with, in order: `log.options()` listens to all of them."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def options(self, *names: str) -> Any:
        """The named callbacks, or all; typed so that they go into `start_session`."""

        def listener(name: str) -> Callable[..., None]:
            return lambda *arguments: self.calls.append((name, *arguments))

        return {name: listener(name) for name in names or Callbacks.__annotations__}

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.calls]

    def of(self, name: str) -> list[Any]:
        """The first argument of every call of one callback."""
        return [arguments[0] for called, *arguments in self.calls if called == name]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is the case, for 5 s at most."""
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass within 5 s"
        await asyncio.sleep(0.002)
