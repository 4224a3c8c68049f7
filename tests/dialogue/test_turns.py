from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.turns import TurnMetrics, Turns


def test_a_spoken_turn_is_summed_up_when_the_answer_is_audible() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(1000.0)
    turns.transcript(1400.0)
    assert turns.text(7, 1700.0) is None
    turns.audio(7, 1750.0)
    metrics = turns.audible(1800.0)
    assert metrics == TurnMetrics(
        event_id=7, transcript_ms=400.0, first_text_ms=700.0, first_audio_ms=750.0, audible_ms=800.0
    )
    assert metrics.latency_ms == 800.0


def test_the_end_of_speech_is_the_last_voice_that_went_out() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(100.0)
    turns.user_voiced(900.0)
    turns.transcript(1000.0)
    metrics = turns.audible(1500.0)
    assert metrics is not None
    assert metrics.latency_ms == 600.0


def test_a_greeting_is_no_turn() -> None:
    turns = Turns(text_only=False)
    turns.text(1, 10.0)
    turns.audio(1, 20.0)
    assert turns.audible(30.0) is None


def test_a_cough_before_the_greeting_makes_no_turn_of_it() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(5.0)
    turns.audio(1, 20.0)
    assert turns.audible(30.0) is None


def test_a_written_turn_is_summed_up_with_the_first_text() -> None:
    turns = Turns(text_only=True)
    turns.user_wrote(100.0)
    metrics = turns.text(3, 250.0)
    assert metrics == TurnMetrics(event_id=3, first_text_ms=150.0)
    assert metrics.latency_ms == 150.0
    assert turns.text(3, 300.0) is None


def test_a_message_written_in_a_spoken_conversation_is_a_turn_as_well() -> None:
    turns = Turns(text_only=False)
    turns.user_wrote(100.0)
    turns.text(3, 250.0)
    turns.audio(3, 260.0)
    assert turns.audible(300.0) == TurnMetrics(
        event_id=3, first_text_ms=150.0, first_audio_ms=160.0, audible_ms=200.0
    )


def test_an_answer_counts_once() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(0.0)
    turns.transcript(1.0)
    assert turns.audible(2.0) is not None
    assert turns.audible(3.0) is None


def test_what_is_voiced_after_the_transcript_does_not_move_the_end_of_the_users_speech() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(50.0)
    turns.transcript(100.0)
    turns.audio(1, 150.0)
    turns.user_voiced(200.0)  # a cough, or the echo of the answer
    metrics = turns.audible(260.0)
    assert metrics == TurnMetrics(
        event_id=1, transcript_ms=50.0, first_audio_ms=100.0, audible_ms=210.0
    )


def test_a_moment_out_of_order_is_left_out() -> None:
    turns = Turns(text_only=False)
    turns.user_voiced(120.0)  # as the clock of another thread tells
    turns.transcript(100.0)
    turns.audio(1, 150.0)
    metrics = turns.audible(260.0)
    assert metrics == TurnMetrics(event_id=1, first_audio_ms=30.0, audible_ms=140.0)


STEPS: dict[str, Callable[[Turns, float], TurnMetrics | None]] = {
    "voiced": lambda turns, at_ms: turns.user_voiced(at_ms),
    "wrote": lambda turns, at_ms: turns.user_wrote(at_ms),
    "transcript": lambda turns, at_ms: turns.transcript(at_ms),
    "text": lambda turns, at_ms: turns.text(1, at_ms),
    "audio": lambda turns, at_ms: turns.audio(1, at_ms),
    "audible": lambda turns, at_ms: turns.audible(at_ms),
}


@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0, 1e6)), max_size=40),
)
def test_no_time_is_ever_negative(text_only: bool, steps: list[tuple[str, float]]) -> None:
    turns = Turns(text_only=text_only)
    for step, at_ms in steps:
        metrics = STEPS[step](turns, at_ms)
        if metrics is not None:
            times = (
                metrics.transcript_ms,
                metrics.first_text_ms,
                metrics.first_audio_ms,
                metrics.audible_ms,
            )
            assert all(time is None or time >= 0 for time in times)
