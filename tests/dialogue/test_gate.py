from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.gate import Gate

EVENT_IDS = st.integers(0, 50)


def test_everything_passes_before_the_first_interruption() -> None:
    gate = Gate()
    assert all(gate.admits(event_id) for event_id in (0, 1, 1000))


@pytest.mark.parametrize(("event_id", "passes"), [(6, False), (7, True), (8, True)])
def test_only_sound_older_than_the_interruption_is_held_back(event_id: int, passes: bool) -> None:
    gate = Gate()
    gate.interrupt(7)
    assert gate.admits(event_id) is passes


def test_an_interruption_without_an_id_moves_nothing() -> None:
    gate = Gate()
    gate.interrupt(7)
    gate.interrupt(None)
    assert not gate.admits(6)


@given(st.lists(EVENT_IDS | st.none()), EVENT_IDS)
def test_the_last_interruption_with_an_id_decides(ids: list[int | None], event_id: int) -> None:
    gate = Gate()
    for interruption in ids:
        gate.interrupt(interruption)
    last = next((i for i in reversed(ids) if i is not None), 0)
    assert gate.admits(event_id) is (event_id >= last)
