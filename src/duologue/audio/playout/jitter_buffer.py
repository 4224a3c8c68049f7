"""When sound that arrives in pieces begins to be played: not with the first, if that is short.

Pieces are late by the network's jitter. Whoever plays the first at once runs dry before the second.
So an utterance, and what follows where one has run dry, begins once 50 ms wait, or have passed
since the first piece. Once begun, all that arrives is played; up to ten minutes may wait (see
`Playout`), for servers may send an answer much faster than it is spoken.

Simulated, 200 answers of 6 s in each pattern, network jitter evenly distributed, sink of 10 ms:

                                            begins later by,    runs dry, times an answer
    pieces                        jitter    mean and most       at once   50 ms
    20 ms, as they are spoken     40 ms     37, 50 ms           1.05      0.00
    20 ms, as they are spoken     80 ms     36, 50 ms           1.76      0.41
    20 ms, 500 ms ahead           80 ms     18, 50 ms           0.28      0.00
    20 ms, then 100 ms, ahead     80 ms     14, 50 ms           0.27      0.00
    100 ms, 250 ms ahead          80 ms      0, 0 ms            0.00      0.00
    100 ms, as they are spoken    80 ms      0, 0 ms            1.71      1.71

With 30 ms the second pattern runs dry 0.91 times, with 90 ms never, which would cost 77 ms. A first
piece of 50 ms or more, as the servers known send it, costs nothing; a burst that is followed by
nothing until it has been played runs dry whatever the threshold.
"""

from __future__ import annotations

from typing import Final

START_MS: Final = 50
"""So much sound has to wait, or has to be waited for, before playing begins; see above. A transport
with a jitter buffer of its own needs less."""


class StartThreshold:
    """Tells when sound may begin. It is asked once for every block, while nothing is played.

    Time is counted in the samples of these blocks, which a sink takes at the pace of real time.
    """

    def __init__(self, sample_rate_hz: int, start_ms: int = START_MS) -> None:
        self._threshold = start_ms * sample_rate_hz // 1000
        self._passed = 0

    def reached(self, waiting_frames: int, block_frames: int) -> bool:
        """Whether sound begins with this block.

        Args:
            waiting_frames: how much sound waits to be played.
            block_frames: how long the block is; it is silent if sound does not begin.
        """
        if not waiting_frames:
            self._passed = 0
            return False
        begins = max(waiting_frames, self._passed) >= self._threshold
        self._passed = 0 if begins else self._passed + block_frames
        return begins
