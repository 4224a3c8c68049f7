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
    time, and mostly nobody looks.

    Attributes:
        blocks: replaced by every push, and never changed: who reads it once has all of it, untorn.
    """

    def __init__(self, size: int, blocks: Blocks = ()) -> None:
        self.blocks = blocks
        self._size = size
        self._held = sum(map(len, blocks))

    def push(self, samples: npt.NDArray[Any]) -> None:
        """Add samples, which are not to be changed afterwards."""
        blocks = (*self.blocks, samples)
        self._held += len(samples)
        over = 0
        while self._held - len(blocks[over]) >= self._size:
            self._held -= len(blocks[over])
            over += 1
        if len(blocks) - over > MOST_BLOCKS:
            self.blocks = (np.concatenate(blocks[over:]),)
        else:
            self.blocks = blocks[over:]
