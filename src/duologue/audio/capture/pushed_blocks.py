"""Sound that comes in small pieces, and is worked on in larger ones."""

from __future__ import annotations

from duologue.audio.samples import NOTHING, Samples, samples_from_bytes


class PushedBlocks:
    """Holds pieces until there is as much as is wanted. Not thread-safe.

    Attributes:
        held_bytes: how much it holds.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held_bytes = 0

    def push(self, data: memoryview, at_least: int) -> Samples:
        """Take a piece; give all that is held, or nothing if that is too little.

        Args:
            data: samples of 16 bits. They are copied: not every source keeps to the contract that
                the memory is no longer its own.
            at_least: so many samples are wanted.

        Raises:
            ValueError: the number of bytes is odd.
        """
        if data.nbytes % 2:
            return samples_from_bytes(data)  # which says what is wrong
        self._pieces.append(bytes(data))
        self.held_bytes += data.nbytes
        if self.held_bytes < 2 * at_least:
            return NOTHING
        pieces, self._pieces, self.held_bytes = self._pieces, [], 0
        return samples_from_bytes(b"".join(pieces))
