"""A conversation as JSON lines: one object a line, written as it goes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO

from duologue.dialogue.values import Message
from duologue.errors import DuologueError


class NoTranscript:
    """Takes messages and writes nothing."""

    def __enter__(self) -> NoTranscript:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def write(self, message: Message) -> None:
        """Do nothing."""


class TranscriptFile:
    """Writes `{"role", "text", "event_id", "at_ms"}` for each message; times count from its making.

    Use it with `with`. Each line is on disk as soon as it is written.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            DuologueError: the file cannot be written.
        """
        self._began_s = time.monotonic()
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8")
        except OSError as error:
            raise DuologueError(
                f"the transcript {path} cannot be written: {error.strerror}; "
                "choose another file for --transcript"
            ) from error

    def __enter__(self) -> TranscriptFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def write(self, message: Message) -> None:
        """Add a message."""
        line = {
            "role": message.role,
            "text": message.text,
            "event_id": message.event_id,
            "at_ms": round((time.monotonic() - self._began_s) * 1000),
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
