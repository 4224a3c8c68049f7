"""Sound that is asked for in small pieces, and made in larger ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_BYTES_PER_SAMPLE: Final = 2


class PulledBlocks:
    """Asks for at least a block at a time, and gives of it as much as is asked. For one thread.

    What is over waits for the next time, so it is heard as much later as it was made sooner: by
    half a block on average, for one who asks for half of it at a time.

    Args:
        render: gives exactly so many samples; see `Sink.start`.
        block_frames: how many are asked for, unless more are wanted.
    """

    def __init__(self, render: Callable[[int], memoryview], block_frames: int) -> None:
        self._render = render
        self._block_frames = block_frames
        self._rest = memoryview(b"")

    def render(self, frames: int) -> memoryview:
        """Give exactly `frames` samples."""
        size = frames * _BYTES_PER_SAMPLE
        available = self._rest
        if missing := max(0, size - len(available)) // _BYTES_PER_SAMPLE:
            more = self._render(max(missing, self._block_frames))
            available = memoryview(b"".join((available, more))) if len(available) else more
        self._rest = available[size:]
        return available[:size]
