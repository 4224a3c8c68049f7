"""A sink that keeps the time of play-out, and hands on what is to be heard."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable
from typing import Final

from duologue.audio.bridges.encodings import Encoding, checked_encoding, encoded
from duologue.audio.pacing.beat import Pace
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.hand_over import call_in_loop
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import samples_from_bytes

BLOCKS_LIMIT: Final = 250
"""So many blocks wait for who goes through them, 5 s of 20 ms; of more the oldest are dropped."""


class TimedSpeaker(PacedEndpoint):
    """A sink whose sound goes to a callback, to `async for`, or to nobody.

        speaker = TimedSpeaker(8000, encoding="ulaw", on_block=send_to_the_phone)

    A block is there every 20 ms, silence included, as a phone network sends it. So the other side
    never has more of it waiting than a block or two, and an agent that is interrupted is silent
    there at once. Nothing is played ahead, and `heard_text` and the latencies are right.

    Blocks are handed on in the event loop of the conversation; without a conversation, in a thread.

    Attributes:
        sample_rate_hz: samples a second.
        failed: called with what a callback has raised, which ends it.
    """

    may_block = False

    def __init__(
        self,
        sample_rate_hz: int = 16_000,
        *,
        encoding: Encoding = "pcm",
        on_block: Callable[[bytes], object] | None = None,
        block_ms: int = 20,
        pace: Pace = REAL_TIME,
    ) -> None:
        """
        Args:
            sample_rate_hz: samples a second; the conversation may have another rate.
            encoding: of the blocks: `pcm` (int16, little-endian), `ulaw` or `alaw`.
            on_block: called with each block. It returns quickly; what has to wait takes the blocks
                by `async for block in speaker`, or puts them into a queue.
            block_ms: how long a block is; 20 ms is usual.
            pace: real time, or a `duologue.testing.VirtualClock`.

        Raises:
            TypeError: `on_block` is an async function.
            ValueError: `sample_rate_hz` is below 1, the encoding is unknown, or `block_ms` is not
                within 5 to 1000.
        """
        if inspect.iscoroutinefunction(on_block):
            raise TypeError(
                "on_block must be a plain function; an async one would let blocks overtake each "
                "other, so go through them with `async for block in speaker` instead"
            )
        super().__init__(sample_rate_hz, pace)
        self.block_ms = block_ms
        self._check_block()
        self._encoding = checked_encoding(encoding)
        self._on_block = on_block
        self._blocks: Blocks | None = None

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Begin to hand on blocks.

        Raises:
            RuntimeError: it is running already.
        """

        def move(frames: int) -> None:
            block = encoded(samples_from_bytes(render(frames)), self._encoding)
            if self.loop is None:
                self._give(block)
            else:
                call_in_loop(self.loop, self._give_safely, block)

        self.keep_pace(move, one_by_one=True)

    def stop(self) -> None:
        """Hand on nothing more, and end `async for` after what waits."""
        super().stop()
        if self._blocks is not None:
            self._blocks.finish()

    def __aiter__(self) -> Blocks:
        """The blocks from now on, until it is stopped: `async for block in speaker`.

        Belongs to the event loop of the conversation. One at a time may go through them. At most
        250 wait; see `Blocks.dropped`.
        """
        if self._blocks is not None:
            self._blocks.finish()
        self._blocks = Blocks()
        return self._blocks

    def _give_safely(self, block: bytes) -> None:
        try:
            self._give(block)
        except Exception as error:
            if self.is_running:
                self.stop()
                self.failed(error)

    def _give(self, block: bytes) -> None:
        if self._on_block is not None:
            self._on_block(block)
        if self._blocks is not None:
            self._blocks.put(block)


class Blocks:
    """The blocks of a `TimedSpeaker`, in order.

    Attributes:
        dropped: how many were dropped, because they were not taken in time.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[bytes] = deque()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._finished = False

    def __aiter__(self) -> Blocks:
        return self

    async def __anext__(self) -> bytes:
        while not self._waiting:
            if self._finished:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def put(self, block: bytes) -> None:
        """Let a block be given after those that wait. For the event loop."""
        if len(self._waiting) >= BLOCKS_LIMIT:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(block)
        self._changed.set()

    def finish(self) -> None:
        """Let nothing follow what waits. May be called from any thread."""
        call_in_loop(self._loop, self._finish)

    def _finish(self) -> None:
        self._finished = True
        self._changed.set()
