"""What sources and sinks without a device have in common: a beat that moves blocks of 10 ms."""

from __future__ import annotations

from collections.abc import Callable

from duologue.audio.chunker import ChunkSizes
from duologue.audio.endpoints import log_failure
from duologue.audio.pacing import BLOCK_MS, Beat, Pace


class PacedEndpoint:
    """The base of a source or sink that keeps the pace of real time by itself.

    `start` and `stop` may be called from one thread at a time, `stop` also within a block's work.
    Stopped and started again, it goes on where it was.

    Attributes:
        sample_rate_hz: samples a second.
        failed: called, in the thread that moves the blocks, with the exception that ended it.
    """

    def __init__(self, sample_rate_hz: int, pace: Pace) -> None:
        """
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

    def _start(self, move: Callable[[int], None]) -> None:
        """Call `move` with the number of samples of each block, 10 ms apart.

        Raises:
            RuntimeError: it is running already.
        """
        if self._beat is not None:
            raise RuntimeError("this source or sink is running already; stop it first")
        self._beat = self._pace.beat(
            f"duologue-{type(self).__name__}",
            lambda: move(self._sizes.advance()),
            failed=lambda error: self.failed(error),
        )
        self._beat.start()
