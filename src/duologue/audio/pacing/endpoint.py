"""What sources and sinks without a device have in common: a beat that moves blocks of 10 ms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duologue.audio.chunker import ChunkSizes
from duologue.audio.endpoints import log_failure
from duologue.audio.pacing.beat import BLOCK_MS, Beat, Pace, Work
from duologue.audio.pacing.real_time import REAL_TIME


class PacedEndpoint:
    """The base of a source or sink that keeps the pace of real time by itself.

    class Recorder(PacedEndpoint):  # a sink
        def start(self, render: Callable[[int], memoryview]) -> None:
            self.keep_pace(lambda frames: self.file.write(render(frames)))

    A source does the reverse: `self.keep_pace(lambda frames: deliver(self.file.read(frames)))`.

    `start` and `stop` may be called from one thread at a time, `stop` also within a block's work.
    Stopped and started again, it goes on where it was.

    Attributes:
        sample_rate_hz: samples a second.
        failed: called, in the thread that moves the blocks, with the exception that ended it.
        block_ms: how long a block is: 10 ms. A conversation lets a source deliver as much at once
            as it sends at once.
        may_block: whether moving a block may wait for anything. A class that says it never does is
            worked in the event loop of its conversation, which is the cheapest place.
        loop: that event loop, given by the conversation before the start; None without one.
    """

    block_ms = BLOCK_MS
    may_block = True
    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, sample_rate_hz: int, pace: Pace = REAL_TIME) -> None:
        """
        Args:
            sample_rate_hz: samples a second.
            pace: real time, or a `duologue.testing.VirtualClock`.

        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self._pace = pace
        self._sizes = ChunkSizes(sample_rate_hz, BLOCK_MS)
        self._beat: Beat | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._beat is not None

    def stop(self) -> None:
        """Move nothing more; no block is under way on return. Without effect if not running."""
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.stop()

    def _check_block(self) -> None:
        """Take note of how long a block is; a ValueError says if it cannot be as long."""
        if self._sizes.chunk_ms != self.block_ms:
            self._sizes = ChunkSizes(self.sample_rate_hz, self.block_ms)

    def keep_pace(self, move: Callable[[int], object], *, one_by_one: bool = False) -> None:
        """Call `move` with the number of samples of each block, until `stop`.

        Where there are many sources and sinks, it may be called for four blocks at once, and for
        more where it is late, unless each is wanted one by one.

        It is called in a thread that all such sources and sinks of the process share; one that
        blocks there as a habit, or hangs, is named in the log and gets a thread of its own. If it
        says that it never blocks, it is called in the event loop of its conversation instead. What
        is late catches up. What `move` raises ends it, and goes to `failed`.

        Raises:
            RuntimeError: it is running already.
        """
        if self._beat is not None:
            raise RuntimeError("this source or sink is running already; stop it first")

        self._check_block()
        size_of_next = self._sizes.advance

        def work(blocks: int) -> None:
            if blocks == 1:
                move(size_of_next())
                return
            sizes = [size_of_next() for _ in range(blocks)]
            for size in sizes if one_by_one else (sum(sizes),):
                move(size)

        self._beat = self._pace.beat(
            Work(
                name=f"duologue-{type(self).__name__}",
                do=work,
                failed=lambda error: self.failed(error),
                block_ms=self.block_ms,
                loop=None if self.may_block else self.loop,
            )
        )
        self._beat.start()
