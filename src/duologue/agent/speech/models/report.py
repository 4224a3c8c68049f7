"""How a pull of models tells what it is doing: the words it says and how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

PERCENT_STEP: Final = 10


class PullReport(Protocol):
    """Whoever wants to hear about a pull. Both methods are called on the thread that pulls."""

    def say(self, sentence: str) -> None:
        """Something a person should know, such as the source that is tried next."""

    def progress(self, file_name: str, done_bytes: int, total_bytes: int) -> None:
        """A download has come so far. `done_bytes` falls back when a download starts again."""


class LineReport:
    """A report as plain lines, for a log or a child process; one line for every ten percent.

    `write` gets each line without a line end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._file_name = ""
        self._percent = 0

    def say(self, sentence: str) -> None:
        """Write the sentence."""
        self._write(sentence)

    def progress(self, file_name: str, done_bytes: int, total_bytes: int) -> None:
        """Write a line if another ten percent of this file are there."""
        if file_name != self._file_name:
            self._file_name, self._percent = file_name, 0
        percent = 100 * done_bytes // max(total_bytes, 1) // PERCENT_STEP * PERCENT_STEP
        if percent > self._percent:
            self._percent = percent
            self._write(f"{file_name}: {percent} % of {megabytes(total_bytes)}")


def megabytes(size_bytes: int) -> str:
    """A size for people, in decimal megabytes: `98.4 MB`."""
    return f"{size_bytes / 1_000_000:.1f} MB"
