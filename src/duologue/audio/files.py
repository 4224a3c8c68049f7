"""A WAV file as the microphone, and a WAV file as the speaker."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from duologue.audio.chunker import ChunkSizes
from duologue.audio.endpoints import log_failure
from duologue.audio.memory import ArraySource
from duologue.audio.pacing import BLOCK_MS, REAL_TIME, Pace, PacedThread
from duologue.audio.samples import samples_from_bytes
from duologue.audio.wav_reader import read_wav
from duologue.audio.wav_writer import WavWriter


class WavSource(ArraySource):
    """A source that plays a WAV file as if it were a microphone, then silence until stopped.

    The file is read at once; its sample rate becomes the source's. See `ArraySource` for `held`,
    `begin`, `finished`, `duration_ms`, `began_at_s` and `last_voiced_ms`.
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


class WavSink:
    """A sink that plays into a WAV file at the pace of real time, silence included.

    The file is written as it goes and can be read at any time, even if the process is killed: all
    but the last second is in it. `start` and `stop` may be called from one thread at a time.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate_hz: int, *, pace: Pace = REAL_TIME
    ) -> None:
        """
        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self._path = Path(path)
        self._sizes = ChunkSizes(sample_rate_hz, BLOCK_MS)
        self._pace = pace
        self._writer: WavWriter | None = None
        self._thread: PacedThread | None = None

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Create the file, or replace it, and begin to play blocks of 20 ms from an own thread.

        Raises:
            AudioFileError: the file cannot be written.
            RuntimeError: it is running already.
        """
        if self._thread is not None:
            raise RuntimeError("this sink is running already; stop it before starting it again")
        writer = WavWriter(self._path, self.sample_rate_hz)
        self._writer = writer
        self._thread = PacedThread(
            "duologue-sink",
            lambda: writer.write(samples_from_bytes(render(self._sizes.advance()))),
            failed=lambda error: self.failed(error),
            pace=self._pace,
        )
        self._thread.start()

    def stop(self) -> None:
        """Play nothing more and complete the file. Without effect if not running.

        Raises:
            AudioFileError: the end of the file cannot be written.
        """
        thread, self._thread = self._thread, None
        writer, self._writer = self._writer, None
        if thread is not None:
            thread.stop()
        if writer is not None:
            writer.close()
