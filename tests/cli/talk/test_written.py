"""A conversation in writing: how answers are printed."""

from __future__ import annotations

import pytest

from duologue import Message
from duologue.cli.talk.written import AnswerPrinter
from duologue.protocol.server_events import AgentChatResponsePartEvent, PartType


def part(kind: PartType, text: str) -> AgentChatResponsePartEvent:
    return AgentChatResponsePartEvent(text=text, type=kind, event_id=1)


def agent(text: str) -> Message:
    return Message(role="agent", text=text, event_id=1)


async def test_an_answer_appears_as_its_parts_arrive(capsys: pytest.CaptureFixture[str]) -> None:
    printer = AnswerPrinter()
    printer.part(part("start", ""))
    printer.part(part("delta", "Good "))
    assert capsys.readouterr().out == "agent: Good "
    printer.part(part("delta", "day."))
    printer.part(part("stop", ""))
    printer.message(agent("Good day."))
    assert capsys.readouterr().out == "day.\n"


async def test_an_answer_without_parts_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    printer = AnswerPrinter()
    printer.message(agent("Good day."))
    printer.message(agent("And good night."))
    assert capsys.readouterr().out == "agent: Good day.\nagent: And good night.\n"


async def test_an_answer_is_waited_for_within_a_limit() -> None:
    printer = AnswerPrinter()
    assert not await printer.answered(0.01)
    printer.message(agent("Good day."))
    assert await printer.answered(0.01)


async def test_what_the_user_wrote_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    printer = AnswerPrinter()
    printer.message(Message(role="user", text="Hello?", event_id=1))
    assert capsys.readouterr().out == ""
    assert not printer.complete.is_set()
