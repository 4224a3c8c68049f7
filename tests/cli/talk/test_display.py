"""What a live conversation looks like in a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import cast

import pytest
from rich.console import Console

from duologue import (
    DeviceChange,
    ErrorReport,
    Message,
    Mode,
    Status,
    TurnMetrics,
    VoiceConversation,
)
from duologue.cli.talk.display import BAR_CELLS, SHOWN_MESSAGES, Display, level_bar
from duologue.protocol.server_events import AgentResponseCorrectionEvent


@dataclass
class Moment:
    """What the display reads of a conversation."""

    status: Status = Status.CONNECTED
    mode: Mode = Mode.LISTENING
    input_level: float = 0.1
    output_level: float = 0.0


def drawn(display: Display, moment: Moment | None = None) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(display.render(cast(VoiceConversation, moment or Moment())))
    return console.export_text()


def test_status_mode_and_transcript_are_shown() -> None:
    display = Display()
    display.message(Message(role="user", text="What is the time?", event_id=1))
    display.message(Message(role="agent", text="It is noon.", event_id=2))
    screen = drawn(display, Moment(mode=Mode.SPEAKING))
    assert "connected" in screen
    assert "speaking" in screen
    assert "you: What is the time?" in screen
    assert "agent: It is noon." in screen


def test_an_interrupted_answer_is_cut_down_to_what_was_said() -> None:
    display = Display()
    display.message(Message(role="agent", text="One two three four.", event_id=2))
    display.correction(
        AgentResponseCorrectionEvent(
            original_agent_response="One two three four.",
            corrected_agent_response="One two",
            event_id=2,
        )
    )
    screen = drawn(display)
    assert "One two —" in screen
    assert "three" not in screen


def test_the_latency_of_each_turn_is_shown() -> None:
    display = Display()
    assert "–" in drawn(display)
    display.turn(TurnMetrics(audible_ms=912.4))
    display.turn(TurnMetrics(audible_ms=1044.6))
    assert "912 1045 ms" in drawn(display)


def test_only_the_latest_messages_stand_on_the_screen() -> None:
    display = Display()
    for number in range(SHOWN_MESSAGES + 1):
        display.message(Message(role="user", text=f"number {number}.", event_id=number))
    screen = drawn(display)
    assert "number 0." not in screen
    assert f"number {SHOWN_MESSAGES}." in screen


def test_a_device_that_is_lost_is_shown_and_so_is_what_takes_its_place() -> None:
    display = Display()
    assert "speaker" not in drawn(display)
    lost = ErrorReport(message="the speaker failed: it has gone", context={"device": "speaker"})
    assert display.device_failed(lost)
    assert re.search("speaker +the speaker failed: it has gone", drawn(display))
    display.device_changed(DeviceChange(kind="speaker", device_id=None, reason="it has gone"))
    assert re.search(r"speaker +the system's default \(it has gone\)", drawn(display))
    display.device_changed(DeviceChange(kind="speaker", device_id="usb"))
    assert re.search("speaker +usb", drawn(display))


def test_that_there_is_no_device_at_all_is_shown() -> None:
    display = Display()
    display.device_changed(
        DeviceChange(kind="microphone", device_id=None, reason="it has gone", available=False)
    )
    assert re.search(r"microphone +none \(it has gone\)", drawn(display))


def test_an_error_of_something_else_is_left_to_others() -> None:
    assert not Display().device_failed(ErrorReport(message="the tool raised"))


@pytest.mark.parametrize(
    ("level", "cells"), [(0.0, 0), (0.001, 0), (1.0, BAR_CELLS), (0.0316227766, BAR_CELLS // 2)]
)
def test_a_level_is_drawn_by_its_decibels(level: float, cells: int) -> None:
    assert level_bar(level, "green").plain.count("█") == cells
