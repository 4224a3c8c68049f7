"""WAV files written: PCM of 16 bits; whole at once, or growing and readable at any time.

Not by libsndfile, which writes the sizes of a file as it closes it: of a recording whose process is
killed, this header is right up to the last second.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from duologue.audio.samples import Samples, bytes_from_samples
from duologue.errors import AudioFileError

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
_BYTES_PER_SAMPLE = 2
_BYTES_AFTER_RIFF_SIZE = _HEADER.size - 8
_LARGEST_SIZE = 0xFFFFFFFF


class WavWriter:
    """A WAV file that grows. Its header is brought up to date once a second of sound.

    A context manager: leaving it closes the file. Not thread-safe.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate_hz: int, *, channels: int = 1
    ) -> None:
        """Create the file, or replace it.

        Raises:
            AudioFileError: the file cannot be created.
        """
        self._path = Path(path)
        self._sample_rate_hz = sample_rate_hz
        self._channels = channels
        self._bytes_written = 0
        self._bytes_in_header = 0
        try:
            # Unbuffered: what was written outlives the process, and closing has nothing left to do.
            self._file = self._path.open("wb", buffering=0)
        except (OSError, ValueError) as error:
            raise self._error(error) from error
        try:
            self._write_header()
        except OSError as error:
            self._file.close()
            raise self._error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, samples: Samples) -> None:
        """Append samples; of several channels, those of one moment stand side by side.

        Raises:
            AudioFileError: the file cannot be written, for example because the disk is full.
        """
        try:
            self._bytes_written += self._file.write(bytes_from_samples(samples))
            if self._bytes_written - self._bytes_in_header >= self._bytes_per_second:
                self._write_header()
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Complete the header and close the file. Without effect the second time.

        Raises:
            AudioFileError: the end of the file cannot be written.
        """
        if self._file.closed:
            return
        try:
            with self._file:
                self._write_header()
        except OSError as error:
            raise self._error(error) from error

    @property
    def _bytes_per_second(self) -> int:
        return self._sample_rate_hz * self._channels * _BYTES_PER_SAMPLE

    def _write_header(self) -> None:
        self._file.seek(0)
        self._file.write(
            _HEADER.pack(
                b"RIFF",
                min(_BYTES_AFTER_RIFF_SIZE + self._bytes_written, _LARGEST_SIZE),
                b"WAVE",
                b"fmt ",
                16,
                _PCM,
                self._channels,
                self._sample_rate_hz,
                self._bytes_per_second,
                self._channels * _BYTES_PER_SAMPLE,
                8 * _BYTES_PER_SAMPLE,
                b"data",
                min(self._bytes_written, _LARGEST_SIZE),
            )
        )
        self._file.seek(0, os.SEEK_END)
        self._bytes_in_header = self._bytes_written

    def _error(self, error: OSError | ValueError) -> AudioFileError:
        reason = error.strerror if isinstance(error, OSError) else error
        return AudioFileError(
            f"Cannot write the WAV file {self._path}: {reason}. Choose a path in a folder that "
            "exists, may be written and has space."
        )


def write_wav(path: str | os.PathLike[str], samples: Samples, sample_rate_hz: int) -> None:
    """Write samples to a new WAV file, replacing one that is there.

    Raises:
        AudioFileError: the file cannot be written.
    """
    with WavWriter(path, sample_rate_hz) as writer:
        writer.write(samples)
