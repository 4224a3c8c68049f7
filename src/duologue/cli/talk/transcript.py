"""A conversation as JSON lines: one object a line, written as it goes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO, TypeAlias

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

    def user_wrote(self, text: str) -> None:
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
        self._write(message.role, message.text, message.event_id)

    def user_wrote(self, text: str) -> None:
        """Add what the user has written, of which the server sends nothing back."""
        self._write("user", text, None)

    def _write(self, role: str, text: str, event_id: int | None) -> None:
        line = {
            "role": role,
            "text": text,
            "event_id": event_id,
            "at_ms": round((time.monotonic() - self._began_s) * 1000),
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()


Transcript: TypeAlias = TranscriptFile | NoTranscript
