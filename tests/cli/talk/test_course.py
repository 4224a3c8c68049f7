"""When a recorded question is played, and when its conversation is over."""

from __future__ import annotations

from duologue.cli.talk.course import ANSWER_LIMIT_S, GREETING_LIMIT_S, RecordedCourse, Step


def test_the_file_is_played_once_the_greeting_has_been_heard() -> None:
    course = RecordedCourse(100.0, wait_for_greeting=True)
    assert course.step(100.5, agent_speaks=False) is Step.WAIT
    assert course.step(101.0, agent_speaks=True) is Step.WAIT
    assert course.step(102.0, agent_speaks=True) is Step.WAIT
    assert course.step(102.3, agent_speaks=False) is Step.WAIT
    assert course.step(102.6, agent_speaks=False) is Step.PLAY


def test_a_pause_between_two_sentences_is_not_the_end_of_the_greeting() -> None:
    course = RecordedCourse(0.0, wait_for_greeting=True)
    course.step(1.0, agent_speaks=True)
    assert course.step(1.4, agent_speaks=False) is Step.WAIT
    course.step(1.5, agent_speaks=True)
    assert course.step(1.9, agent_speaks=False) is Step.WAIT
    assert course.step(2.1, agent_speaks=False) is Step.PLAY


def test_an_agent_without_a_greeting_is_not_waited_for_longer_than_five_seconds() -> None:
    course = RecordedCourse(0.0, wait_for_greeting=True)
    assert course.step(4.9, agent_speaks=False) is Step.WAIT
    assert course.step(5.0, agent_speaks=False) is Step.PLAY


def test_a_greeting_without_end_is_talked_over() -> None:
    course = RecordedCourse(0.0, wait_for_greeting=True)
    assert course.step(1.0, agent_speaks=True) is Step.WAIT
    assert course.step(GREETING_LIMIT_S, agent_speaks=True) is Step.PLAY


def test_without_waiting_the_file_is_played_at_once() -> None:
    course = RecordedCourse(0.0, wait_for_greeting=False)
    assert course.step(0.0, agent_speaks=False) is Step.PLAY


def test_the_end_comes_two_seconds_after_the_answer() -> None:
    course = _playing()
    assert course.step(3.0, agent_speaks=False, file_ended=True, user_finished_s=2.5) is Step.WAIT
    assert course.step(4.0, agent_speaks=True, file_ended=True, user_finished_s=2.5) is Step.WAIT
    assert course.step(5.9, agent_speaks=False, file_ended=True, user_finished_s=2.5) is Step.WAIT
    assert course.step(6.0, agent_speaks=False, file_ended=True, user_finished_s=2.5) is Step.END


def test_what_the_agent_said_before_the_question_is_not_its_answer() -> None:
    course = _playing()
    course.step(1.0, agent_speaks=True)
    assert course.step(9.0, agent_speaks=False, file_ended=True, user_finished_s=2.5) is Step.WAIT


def test_an_answer_that_was_heard_while_the_file_was_still_silent_counts() -> None:
    course = _playing()
    course.step(4.0, agent_speaks=True, user_finished_s=2.5)
    assert course.step(9.0, agent_speaks=False, file_ended=True, user_finished_s=2.5) is Step.END


def test_what_was_said_until_an_interruption_is_no_answer() -> None:
    course = _playing()
    course.step(2.6, agent_speaks=True, file_ended=True, user_finished_s=2.5)

    def later(now_s: float, *, agent_speaks: bool) -> Step:
        return course.step(
            now_s,
            agent_speaks=agent_speaks,
            file_ended=True,
            user_finished_s=2.5,
            interruptions=1,
        )

    assert later(2.7, agent_speaks=False) is Step.WAIT
    assert later(9.0, agent_speaks=False) is Step.WAIT
    assert later(9.1, agent_speaks=True) is Step.WAIT
    assert later(12.0, agent_speaks=False) is Step.END


def test_the_conversation_does_not_end_before_the_file() -> None:
    course = _playing()
    course.step(4.0, agent_speaks=True, user_finished_s=2.5)
    assert course.step(60.0, agent_speaks=False, user_finished_s=2.5) is Step.WAIT


def test_an_answer_that_never_comes_is_waited_for_within_a_limit() -> None:
    course = _playing()
    course.step(3.0, agent_speaks=False, file_ended=True, user_finished_s=2.5)
    end_s = 3.0 + ANSWER_LIMIT_S
    assert course.step(end_s - 0.1, agent_speaks=False, file_ended=True) is Step.WAIT
    assert course.step(end_s, agent_speaks=True, file_ended=True) is Step.END


def _playing() -> RecordedCourse:
    course = RecordedCourse(0.0, wait_for_greeting=False)
    assert course.step(0.0, agent_speaks=False) is Step.PLAY
    return course
