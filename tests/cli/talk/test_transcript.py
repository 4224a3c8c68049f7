"""A conversation as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from duologue import DuologueError, Message
from duologue.cli.talk.transcript import NoTranscript, TranscriptFile
from duologue.protocol.server_events import AgentResponseCorrectionEvent

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_each_message_is_a_line_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TranscriptFile(path) as transcript:
        transcript.write(
            Message(role="user", text="Grüße?", event_id=1, since_start_ms=1499.6, at=AT)
        )
        (line,) = path.read_text(encoding="utf-8").splitlines()
        transcript.write(Message(role="agent", text="Two\nlines.", event_id=2))
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert json.loads(line) == first
    assert first == {
        "role": "user",
        "text": "Grüße?",
        "event_id": 1,
        "at_ms": 1500,
        "at": "2026-01-02T03:04:05.000+00:00",
    }
    assert second["text"] == "Two\nlines."


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "t.jsonl"
    with pytest.raises(DuologueError, match=r"t\.jsonl cannot be written: .*--transcript"):
        TranscriptFile(path)


def test_without_a_file_nothing_is_written() -> None:
    with NoTranscript() as transcript:
        transcript.write(Message(role="user", text="Hello.", event_id=1))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_message_that_is_corrected_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TranscriptFile(path) as transcript:
        transcript.write(Message(role="agent", text="Grüß Gott.", event_id=1))
        transcript.write(Message(role="agent", text="One, two, three.", event_id=2))
        transcript.write(Message(role="user", text="Stop.", event_id=3))
        transcript.correct(
            AgentResponseCorrectionEvent(corrected_agent_response="One,", event_id=2)
        )
        transcript.write(Message(role="agent", text="Yes?", event_id=4))
    lines = lines_of(path)
    assert [line["text"] for line in lines] == ["Grüß Gott.", "One,", "Stop.", "Yes?"]
    assert lines[1]["full_text"] == "One, two, three."
    assert [line.get("corrected") for line in lines] == [None, True, None, None]


def test_a_correction_of_what_was_never_said_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TranscriptFile(path) as transcript:
        transcript.write(Message(role="agent", text="One.", event_id=1))
        transcript.correct(AgentResponseCorrectionEvent(corrected_agent_response="", event_id=9))
    assert [line["text"] for line in lines_of(path)] == ["One."]
