"""The latest samples of a stream, kept for whoever looks at them now and then."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Blocks: TypeAlias = tuple[npt.NDArray[Any], ...]

MOST_BLOCKS: Final = 64
"""Of a stream in smaller pieces than usual, they are joined now and then."""


class LatestSamples:
    """At least the last `size` samples pushed, in the blocks in which they came.

    One thread pushes, any thread reads. Pushing costs next to nothing: sound is pushed all the
    time, and mostly nobody looks. So what is not needed any more goes now and then, and up to
    twice as much is kept, or one block.
    """

    def __init__(self, size: int, blocks: Blocks = ()) -> None:
        self._blocks = list(blocks)
        self._size = size
        self._held = sum(map(len, blocks))

    @property
    def blocks(self) -> Blocks:
        """All of it at this moment, untorn."""
        return tuple(self._blocks)

    def push(self, samples: npt.NDArray[Any]) -> None:
        """Add samples, which are not to be changed afterwards."""
        self._blocks.append(samples)
        self._held += len(samples)
        if self._held >= 2 * self._size or len(self._blocks) > MOST_BLOCKS:
            self._forget()

    def _forget(self) -> None:
        over = 0
        while self._held - len(self._blocks[over]) >= self._size:
            self._held -= len(self._blocks[over])
            over += 1
        if len(self._blocks) - over > MOST_BLOCKS // 2:
            self._blocks = [np.concatenate(self._blocks[over:])]
        else:
            # In one step, of which nobody sees the middle.
            del self._blocks[:over]
