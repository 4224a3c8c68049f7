from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.gate import PAUSE_MS, Gate

EVENT_IDS = st.integers(0, 50)


def test_everything_passes_before_the_first_interruption() -> None:
    gate = Gate()
    assert all(gate.admits(event_id, 0.0) for event_id in (0, 1, 1000))


@pytest.mark.parametrize(("event_id", "passes"), [(6, False), (7, True), (8, True)])
def test_only_sound_older_than_the_interruption_is_held_back(event_id: int, passes: bool) -> None:
    gate = Gate()
    gate.interrupt(7)
    assert gate.admits(event_id, 0.0) is passes


def test_an_interruption_without_an_id_moves_nothing() -> None:
    gate = Gate()
    gate.interrupt(7)
    gate.interrupt(None)
    assert not gate.admits(6, 0.0)


@given(st.lists(EVENT_IDS | st.none()), EVENT_IDS)
def test_the_last_interruption_with_an_id_decides(ids: list[int | None], event_id: int) -> None:
    gate = Gate()
    for interruption in ids:
        gate.interrupt(interruption)
    last = next((i for i in reversed(ids) if i is not None), 0)
    assert gate.admits(event_id, 0.0) is (event_id >= last)


def test_of_a_silenced_answer_nothing_more_is_heard_and_of_the_next_one_all() -> None:
    gate = Gate()
    gate.silence(3, 0.0)
    assert [gate.admits(event_id, 10.0) for event_id in (2, 3, 4)] == [False, False, True]


def test_sound_without_an_id_is_silent_until_the_user_asks_anew() -> None:
    gate = Gate()
    gate.silence(3, 0.0)
    assert not gate.admits(None, 20.0)
    gate.new_turn()
    assert gate.admits(None, 40.0)


def test_sound_without_an_id_is_a_new_answer_after_a_pause() -> None:
    gate = Gate()
    gate.silence(None, 0.0)
    assert not any(gate.admits(None, at_ms) for at_ms in (20.0, 900.0, 1800.0))
    assert gate.admits(None, 1800.0 + PAUSE_MS)
    assert gate.admits(None, 1820.0 + PAUSE_MS)
