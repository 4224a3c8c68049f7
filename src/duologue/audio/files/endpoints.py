"""A sound file as the microphone, and a WAV file as the speaker."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from duologue.audio.files.reading import read_wav
from duologue.audio.files.writing import WavWriter
from duologue.audio.pacing.arrays import ArraySource
from duologue.audio.pacing.beat import Pace
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import samples_from_bytes


class WavSource(ArraySource):
    """A source that plays a sound file as if it were a microphone, then silence until stopped.

    The file, of any kind that `read_wav` reads, is read at once; its sample rate becomes the
    source's. See `ArraySource` for `held`, `begin`, `finished`, `duration_ms`, `began_at_s` and
    `last_voiced_ms`.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, held: bool = False, pace: Pace = REAL_TIME
    ) -> None:
        """
        Raises:
            AudioFileError: the file cannot be read (see `read_wav`).
        """
        samples, sample_rate_hz = read_wav(path)
        super().__init__(samples, sample_rate_hz, held=held, pace=pace)


class WavSink(PacedEndpoint):
    """A sink that plays into a WAV file at the pace of real time, silence included.

    The file is written as it goes and can be read at any time, even if the process is killed: all
    but the last second is in it. For `start` and `stop` see `PacedEndpoint`, but `stop` must not be
    called within `render`.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate_hz: int, *, pace: Pace = REAL_TIME
    ) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        super().__init__(sample_rate_hz, pace)
        self._path = Path(path)
        self._writer: WavWriter | None = None

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Create the file, or replace it, and begin to play blocks of 10 ms from an own thread.

        Raises:
            AudioFileError: the file cannot be written.
            RuntimeError: it is running already.
        """
        if self.is_running:
            raise RuntimeError("this sink is running already; stop it first")
        writer = self._writer = WavWriter(self._path, self.sample_rate_hz)
        self.keep_pace(lambda frames: writer.write(samples_from_bytes(render(frames))))

    def stop(self) -> None:
        """Play nothing more and complete the file. Without effect if not running.

        Raises:
            AudioFileError: the end of the file cannot be written.
        """
        super().stop()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
