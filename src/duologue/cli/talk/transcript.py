"""A conversation as JSON lines: one object a line, written as it goes."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeAlias

from duologue.dialogue.transcript import corrected, corrected_index
from duologue.dialogue.values import Message
from duologue.errors import DuologueError
from duologue.protocol.server_events import AgentResponseCorrectionEvent

CORRECTED_AT_MOST: Final = 100
"""So many of the latest messages can still be corrected; the file behind them is written anew."""


class _Written(NamedTuple):
    """A message, and where in the file it begins."""

    offset: int
    message: Message


class NoTranscript:
    """Takes messages and writes nothing."""

    def __enter__(self) -> NoTranscript:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def write(self, message: Message) -> None:
        """Do nothing."""

    def correct(self, correction: AgentResponseCorrectionEvent) -> None:
        """Do nothing."""


class TranscriptFile:
    """Writes a line of JSON for each message, with its fields and times.

    Use it with `with`. Each line is on disk as soon as it is written; a message that is corrected
    is written anew, as long as it is one of the latest 100.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            DuologueError: the file cannot be written.
        """
        self._latest: deque[_Written] = deque(maxlen=CORRECTED_AT_MOST)
        try:
            self._file: IO[bytes] = path.open("wb")
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
        self._latest.append(_Written(self._file.tell(), message))
        self._file.write(_line(message))
        self._file.flush()

    def correct(self, correction: AgentResponseCorrectionEvent) -> None:
        """Write what was heard of a message in the place of what was generated."""
        messages = [written.message for written in self._latest]
        index = corrected_index(messages, correction)
        if index is None:
            return
        messages[index] = corrected(messages[index], correction)
        self._file.seek(self._latest[index].offset)
        self._file.truncate()
        for _ in range(len(messages) - index):
            self._latest.pop()
        for message in messages[index:]:
            self.write(message)


def _line(message: Message) -> bytes:
    fields: dict[str, Any] = {
        "role": message.role,
        "text": message.text,
        "event_id": message.event_id,
        "at_ms": round(message.since_start_ms),
        "at": message.at and message.at.isoformat(timespec="milliseconds"),
    }
    if message.corrected:
        fields |= {"full_text": message.full_text, "corrected": True}
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode()


Transcript: TypeAlias = TranscriptFile | NoTranscript
