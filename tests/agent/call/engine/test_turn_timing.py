"""What of a turn's time is our own."""

import logging
import time

import pytest

from duologue.agent.call.engine.turn_timing import TurnClock, TurnTiming


def timing(**changes: float | None) -> TurnTiming:
    marks: dict[str, float | None] = {
        "speech_end_noticed_ms": 300,
        "transcript_ms": 400,
        "turn_decided_ms": 410,
        "llm_asked_ms": 415,
        "llm_first_token_ms": 500,
        "first_frame_ms": 600,
        "first_sent_ms": 607,
    }
    return TurnTiming(**{**marks, **changes})  # type: ignore[arg-type]


def test_own_is_what_lies_between_the_models() -> None:
    assert timing().own_ms == 12


def test_a_model_that_was_asked_ahead_of_the_decision_costs_nothing() -> None:
    ahead = timing(llm_asked_ms=300, llm_first_token_ms=350, first_frame_ms=390, first_sent_ms=414)
    assert ahead.own_ms == 4


def test_in_text_the_first_token_is_what_is_sent() -> None:
    assert timing(first_frame_ms=None, first_sent_ms=503).own_ms == 8


def test_a_turn_is_logged_once_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "duologue.agent.turns")
    clock = TurnClock("conv_x")
    clock.speech_ended()
    clock.transcribed()
    clock.turn_decided(time.time() - 0.5, 0.4)
    clock.llm_asked()
    clock.llm_answered()
    clock.synthesised()
    turn = clock.first_sent()
    assert turn is not None
    assert turn.turn_decided_ms == pytest.approx(400)
    assert turn.first_sent_ms == pytest.approx(500, abs=50)
    assert clock.first_sent() is None
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("conv_x: speech end noticed")


def test_a_greeting_is_no_turn() -> None:
    clock = TurnClock("conv_x")
    clock.synthesised()
    assert clock.first_sent() is None


def test_a_typed_turn_begins_when_the_text_arrives() -> None:
    clock = TurnClock("conv_x")
    clock.text_arrived()
    clock.llm_asked()
    clock.llm_answered()
    turn = clock.first_sent()
    assert turn is not None
    assert turn.turn_decided_ms == pytest.approx(0, abs=1)
    assert turn.transcript_ms is None


def test_a_second_call_of_the_model_takes_the_place_of_the_first() -> None:
    clock = TurnClock("conv_x")
    clock.text_arrived()
    clock.llm_asked()
    clock.llm_answered()
    clock.llm_asked()
    assert clock.first_sent() is None
