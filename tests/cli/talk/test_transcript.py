"""A conversation as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from duologue import DuologueError, Message
from duologue.cli.talk.transcript import NoTranscript, TranscriptFile


def test_each_message_is_a_line_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TranscriptFile(path) as transcript:
        transcript.write(Message(role="user", text="Grüße?", event_id=1))
        (line,) = path.read_text(encoding="utf-8").splitlines()
        transcript.write(Message(role="agent", text="Two\nlines.", event_id=2))
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert json.loads(line) == first
    assert set(first) == {"role", "text", "event_id", "at_ms"}
    assert (first["role"], first["text"], first["event_id"]) == ("user", "Grüße?", 1)
    assert second["text"] == "Two\nlines."
    assert 0 <= first["at_ms"] <= second["at_ms"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "t.jsonl"
    with pytest.raises(DuologueError, match=r"t\.jsonl cannot be written: .*--transcript"):
        TranscriptFile(path)


def test_without_a_file_nothing_is_written() -> None:
    with NoTranscript() as transcript:
        transcript.write(Message(role="user", text="Hello.", event_id=1))


def test_what_the_user_wrote_has_no_event_id(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TranscriptFile(path) as transcript:
        transcript.user_wrote("Hello?")
    line = json.loads(path.read_text(encoding="utf-8"))
    assert (line["role"], line["text"], line["event_id"]) == ("user", "Hello?", None)
