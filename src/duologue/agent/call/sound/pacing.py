"""When which sound goes out, and how much of it has been heard. Without clock or I/O.

Sound is made faster than it is spoken, and a client plays whatever it has. So the agent sends at
most half a second ahead of real time: then it knows what was heard when the user interrupts, and
little has to be thrown away. All times are milliseconds of one clock, given by the caller.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

LEAD_MS = 500.0
"""How far sound may be ahead of real time: enough for a network's jitter."""
FIRST_CHUNK_MS = 60.0
"""A small first piece is heard sooner."""
CHUNK_MS = 100.0
"""Ten messages a second: a balance of cost and of what an interruption throws away."""
NEARLY_DRY_MS = 80.0
"""With less than this left at the client, half a chunk is better than a gap."""


class Pacer:
    """Cuts one stretch of speech into chunks and says when each is due.

    Args:
        sample_rate_hz: of the samples that go in and come out.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._is_finished = False
        self._sent_samples = 0
        self._ends_ms = 0.0
        self._run_from_ms = 0.0
        self._run_position_ms = 0.0

    @property
    def waiting_ms(self) -> float:
        """How much sound has not been sent yet."""
        return self._in_ms(self._waiting_samples)

    @property
    def sent_ms(self) -> float:
        """How much sound has been sent."""
        return self._in_ms(self._sent_samples)

    @property
    def ends_ms(self) -> float | None:
        """When the last sample sent will have been played, or None if more is to be sent."""
        return self._ends_ms if self._is_finished and not self._waiting_samples else None

    def push(self, samples: Samples) -> None:
        """Take more sound."""
        if len(samples):
            self._waiting.append(samples)
            self._waiting_samples += len(samples)

    def finish(self) -> None:
        """No more sound will come."""
        self._is_finished = True

    def due_ms(self) -> float | None:
        """When the next chunk is to be sent, or None if there is none to send yet."""
        if not self._waiting_samples:
            return None
        if not self._sent_samples:
            return 0.0
        if self._waiting_samples < self._in_samples(CHUNK_MS) and not self._is_finished:
            return self._ends_ms - NEARLY_DRY_MS
        return self._ends_ms + self._in_ms(self._next_samples()) - LEAD_MS

    def take(self, now_ms: float) -> Samples | None:
        """The next chunk, counted as sent now, or None if none is due."""
        due_ms = self.due_ms()
        if due_ms is None or now_ms < due_ms:
            return None
        chunk = self._cut(self._next_samples())
        if now_ms > self._ends_ms:
            # The client had run dry, or starts: from here on it plays in one run.
            self._run_from_ms = self._ends_ms = now_ms
            self._run_position_ms = self.sent_ms
        self._sent_samples += len(chunk)
        self._ends_ms += self._in_ms(len(chunk))
        return chunk

    def heard_ms(self, now_ms: float) -> float:
        """How much of the sound has been played by now, at a client without delay."""
        played_ms = self._run_position_ms + max(0.0, now_ms - self._run_from_ms)
        return min(self.sent_ms, played_ms)

    def _next_samples(self) -> int:
        wanted_ms = CHUNK_MS if self._sent_samples else FIRST_CHUNK_MS
        return min(self._waiting_samples, self._in_samples(wanted_ms))

    def _cut(self, length: int) -> Samples:
        pieces = []
        missing = length
        while missing:
            piece = self._waiting.pop(0)
            if len(piece) > missing:
                self._waiting.insert(0, piece[missing:])
                piece = piece[:missing]
            pieces.append(piece)
            missing -= len(piece)
        self._waiting_samples -= length
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _in_ms(self, samples: int) -> float:
        return samples * 1000 / self._sample_rate_hz

    def _in_samples(self, duration_ms: float) -> int:
        return round(duration_ms * self._sample_rate_hz / 1000)
