from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.allowance import Allowance


def test_so_much_may_come_at_once_and_then_no_more_than_comes_in() -> None:
    allowance = Allowance(per_s=10.0, at_once=5.0, now_s=100.0)
    assert allowance.take(5.0, 100.0)
    assert not allowance.take(1.0, 100.05)
    assert allowance.take(1.0, 100.2)


def test_a_long_pause_fills_it_and_no_more() -> None:
    allowance = Allowance(per_s=10.0, at_once=5.0, now_s=0.0)
    assert not allowance.take(6.0, 1000.0)
    assert allowance.take(5.0, 1000.0)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 30.0)), max_size=40))
def test_never_more_is_taken_than_came_in(steps: list[tuple[float, float]]) -> None:
    allowance, now_s, taken = Allowance(per_s=10.0, at_once=5.0, now_s=0.0), 0.0, 0.0
    for pause_s, amount in steps:
        now_s += pause_s
        if allowance.take(amount, now_s):
            taken += amount
        assert taken <= 5.0 + 10.0 * now_s + 1e-6
