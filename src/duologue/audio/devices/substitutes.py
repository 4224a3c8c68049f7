"""What stands in for a device that is not there: a source that is silent, a sink nobody hears."""

from __future__ import annotations

from collections.abc import Callable

from duologue.audio.pacing.beat import Pace
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import bytes_from_samples, silence


class SilentSource(PacedEndpoint):
    """A source of silence at the pace of real time."""

    may_block = False

    def __init__(self, sample_rate_hz: int, *, pace: Pace = REAL_TIME) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Begin to deliver blocks; see `PacedEndpoint.keep_pace`.

        Raises:
            RuntimeError: it is running already.
        """
        self.keep_pace(lambda size: deliver(bytes_from_samples(silence(size))))


class UnheardSink(PacedEndpoint):
    """A sink that takes what there is to play at the pace of real time, and lets nobody hear it."""

    may_block = False

    def __init__(self, sample_rate_hz: int, *, pace: Pace = REAL_TIME) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Begin to ask for blocks; see `PacedEndpoint.keep_pace`.

        Raises:
            RuntimeError: it is running already.
        """
        self.keep_pace(render)
