from __future__ import annotations

import pytest

from duologue.dialogue.answers import (
    AFTER_TOOL_MS,
    SOUND_SETTLES_MS,
    TEXT_SETTLES_MS,
    WITHOUT_SOUND_MS,
    WITHOUT_TEXT_MS,
    Answers,
)


def spoken() -> Answers:
    return Answers(text_only=False)


def written() -> Answers:
    return Answers(text_only=True)


def is_over(answers: Answers, now_ms: float) -> bool:
    at_ms = answers.over_at_ms()
    return at_ms is not None and at_ms <= now_ms


def hear(answers: Answers, event_id: int | None, from_ms: float, to_ms: float) -> None:
    answers.sound(event_id, from_ms)
    answers.played_out(to_ms)


@pytest.mark.parametrize("answers", [spoken(), written()])
def test_without_an_answer_nothing_is_waited_for(answers: Answers) -> None:
    assert is_over(answers, 0.0)


@pytest.mark.parametrize("answers", [spoken(), written()])
def test_an_answer_that_is_expected_is_not_over(answers: Answers) -> None:
    answers.asked(0.0)
    assert answers.over_at_ms() is None


def test_a_written_answer_is_over_shortly_after_its_last_message() -> None:
    answers = written()
    answers.asked(0.0)
    answers.text(1, 100.0, is_whole=False)
    assert answers.over_at_ms() is None
    answers.text(1, 200.0, is_whole=True)
    answers.text(1, 250.0, is_whole=True)
    assert answers.over_at_ms() == 250.0 + TEXT_SETTLES_MS


def test_a_spoken_answer_is_over_once_it_is_whole_and_was_heard() -> None:
    answers = spoken()
    answers.asked(0.0)
    answers.sound(1, 100.0)
    answers.text(1, 150.0, is_whole=True)
    assert answers.over_at_ms() is None
    answers.played_out(3000.0)
    assert answers.over_at_ms() == 3000.0 + SOUND_SETTLES_MS


def test_the_text_may_come_last_or_not_at_all() -> None:
    answers = spoken()
    hear(answers, 1, 0.0, 1000.0)
    assert answers.over_at_ms() == 1000.0 + WITHOUT_TEXT_MS
    answers.text(1, 1200.0, is_whole=True)
    assert answers.over_at_ms() == 1200.0 + SOUND_SETTLES_MS


def test_the_sound_may_come_after_the_text_or_not_at_all() -> None:
    answers = spoken()
    answers.text(1, 0.0, is_whole=True)
    assert answers.over_at_ms() == WITHOUT_SOUND_MS
    answers.sound(1, 2000.0)
    assert answers.over_at_ms() is None


def test_a_pause_between_two_sentences_is_not_the_end() -> None:
    answers = spoken()
    answers.text(1, 0.0, is_whole=True)
    hear(answers, 1, 100.0, 1000.0)
    assert not is_over(answers, 1300.0)
    hear(answers, 1, 1300.0, 2000.0)
    assert answers.over_at_ms() == 2000.0 + SOUND_SETTLES_MS


def test_the_server_may_say_that_it_is_over() -> None:
    answers = spoken()
    answers.asked(0.0)
    answers.sound(1, 100.0)
    answers.complete(1, 200.0)
    assert answers.over_at_ms() is None  # it is still being heard
    answers.played_out(900.0)
    assert is_over(answers, 900.0)


@pytest.mark.parametrize("event_id", [None, "x", 3])
def test_what_an_earlier_answer_completes_is_not_this_one(event_id: object) -> None:
    answers = written()
    answers.text(4, 0.0, is_whole=True)
    answers.asked(10.0)
    answers.complete(event_id, 20.0)
    assert answers.over_at_ms() is None
    answers.text(5, 30.0, is_whole=False)
    answers.complete(4, 40.0)
    assert answers.over_at_ms() is None
    answers.complete(5, 50.0)
    assert is_over(answers, 50.0)


def test_what_still_comes_of_the_answer_before_is_not_the_answer() -> None:
    answers = spoken()
    answers.sound(3, 0.0)
    answers.asked(100.0)
    answers.sound(3, 110.0)
    answers.text(3, 120.0, is_whole=True)
    answers.played_out(500.0)
    assert answers.over_at_ms() is None
    answers.text(4, 600.0, is_whole=True)
    hear(answers, 4, 700.0, 900.0)
    assert answers.over_at_ms() == 900.0 + SOUND_SETTLES_MS


def test_sound_without_an_id_is_no_answer_while_what_was_before_is_heard() -> None:
    answers = spoken()
    answers.sound(None, 0.0)
    answers.asked(100.0)
    hear(answers, None, 110.0, 500.0)
    assert answers.over_at_ms() is None
    hear(answers, None, 600.0, 900.0)
    assert answers.over_at_ms() == 900.0 + WITHOUT_TEXT_MS


def test_a_server_that_gives_every_answer_the_same_id_is_understood() -> None:
    answers = written()
    answers.text(1, 0.0, is_whole=True)
    answers.asked(1000.0)
    answers.text(1, 1100.0, is_whole=True)
    assert answers.over_at_ms() == 1100.0 + TEXT_SETTLES_MS


def test_a_tool_in_the_middle_is_waited_for_and_what_follows_it() -> None:
    answers = spoken()
    answers.asked(0.0)
    answers.text(1, 100.0, is_whole=True)
    hear(answers, 1, 150.0, 800.0)
    answers.tool_called("c", 850.0)
    assert answers.over_at_ms() is None
    answers.tool_answered("other", 900.0)
    assert answers.over_at_ms() is None
    answers.tool_answered("c", 2000.0)
    assert answers.over_at_ms() == 2000.0 + AFTER_TOOL_MS
    answers.text(1, 3000.0, is_whole=True)
    hear(answers, 1, 3100.0, 3900.0)
    assert answers.over_at_ms() == 3900.0 + SOUND_SETTLES_MS


def test_a_tool_may_be_all_there_is() -> None:
    answers = written()
    answers.asked(0.0)
    answers.tool_called("c", 100.0)
    answers.tool_answered("c", 200.0)
    assert answers.over_at_ms() == 200.0 + AFTER_TOOL_MS


def test_an_interruption_ends_an_answer_but_not_the_wait_for_the_next() -> None:
    answers = spoken()
    answers.sound(1, 0.0)
    answers.interrupted(100.0)
    assert is_over(answers, 100.0)
    answers.sound(2, 200.0)
    answers.asked(300.0)
    answers.interrupted(350.0)
    assert answers.over_at_ms() is None
