"""Sound cut into chunks of one exact length, for the wire and for real-time pacing.

Where `sample_rate_hz * chunk_ms` is no whole number of thousands (22,050 Hz and 25 ms give 551.25
samples) the sizes alternate, so that the accumulated error never reaches one sample.
"""

from __future__ import annotations

import numpy as np

from duologue.audio.samples import Samples

MIN_CHUNK_MS = 5
"""Shorter chunks only cost messages: 200 a second at 5 ms."""
MAX_CHUNK_MS = 1000
"""Longer chunks would delay the agent's hearing by more than a second."""


class ChunkSizes:
    """The sizes of consecutive chunks, in samples. Not thread-safe.

    Attributes:
        chunk_ms: how long a chunk is.
        alternate: whether they differ from one another.
        current: the size of the chunk that comes next.
    """

    def __init__(self, sample_rate_hz: int, chunk_ms: int) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1, or `chunk_ms` is not within 5 to 1000.
        """
        if sample_rate_hz < 1:
            raise ValueError(f"a sample rate is a positive number of Hz, not {sample_rate_hz}")
        if not MIN_CHUNK_MS <= chunk_ms <= MAX_CHUNK_MS:
            raise ValueError(
                f"a chunk lasts {MIN_CHUNK_MS} to {MAX_CHUNK_MS} ms, not {chunk_ms} ms; 20 is usual"
            )
        self.chunk_ms = chunk_ms
        self._samples_per_chunk_x1000 = sample_rate_hz * chunk_ms
        self.alternate = bool(self._samples_per_chunk_x1000 % 1000)
        self._index = 0
        self.current = self._end_of(1)

    def advance(self) -> int:
        """Return the size of the chunk that comes next, and go on to the one after it."""
        size = self.current
        if not self.alternate:
            return size
        self._index += 1
        self.current = self._end_of(self._index + 1) - self._end_of(self._index)
        return size

    def _end_of(self, chunks: int) -> int:
        return chunks * self._samples_per_chunk_x1000 // 1000


class Chunker:
    """Cuts a stream of samples into chunks of exactly `chunk_ms`. Not thread-safe.

    Attributes:
        pending: how many samples wait for the rest of their chunk.
    """

    def __init__(self, sample_rate_hz: int, chunk_ms: int) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1, or `chunk_ms` is not within 5 to 1000.
        """
        self._sizes = ChunkSizes(sample_rate_hz, chunk_ms)
        self._pieces: list[Samples] = []
        self.pending = 0

    @property
    def missing(self) -> int:
        """How many samples complete the next chunk."""
        return self._sizes.current - self.pending

    def push(self, samples: Samples) -> list[Samples]:
        """Take any number of samples; return the chunks that are now complete, in order.

        The samples are not to be changed afterwards.
        """
        if not self.pending and len(samples) == self._sizes.current:
            self._sizes.advance()
            return [samples]
        self._pieces.append(samples)
        self.pending += len(samples)
        if self.missing > 0:
            return []
        stream = samples if len(self._pieces) == 1 else np.concatenate(self._pieces)
        chunks = []
        start = 0
        while len(stream) - start >= self._sizes.current:
            end = start + self._sizes.advance()
            chunks.append(stream[start:end])
            start = end
        self.pending = len(stream) - start
        self._pieces = [stream[start:]] if self.pending else []
        return chunks
