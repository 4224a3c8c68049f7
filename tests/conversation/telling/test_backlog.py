from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.conversation.telling.backlog import Backlog

LIMIT = 5
STEPS = st.lists(st.one_of(st.integers(0, 9), st.none()), max_size=60)
"""Numbers are appended, None takes one; even numbers are dropped before odd ones."""


def is_even(number: int) -> bool:
    return number % 2 == 0


class Plain:
    """The same, said as plainly as can be."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.dropped = 0

    def append(self, number: int) -> None:
        if len(self.waiting) >= LIMIT:
            even = [index for index, one in enumerate(self.waiting) if is_even(one)]
            del self.waiting[even[0] if even else 0]
            self.dropped += 1
        self.waiting.append(number)


@given(STEPS)
def test_it_is_a_queue_from_which_what_can_be_spared_is_dropped_first(
    steps: list[int | None],
) -> None:
    backlog, plain = Backlog(LIMIT, is_even), Plain()
    for step in steps:
        if step is not None:
            backlog.append(step)
            plain.append(step)
        elif plain.waiting:
            assert backlog.popleft() == plain.waiting.pop(0)
    assert (len(backlog), backlog.dropped) == (len(plain.waiting), plain.dropped)
    assert [backlog.popleft() for _ in plain.waiting] == plain.waiting


def test_from_nothing_nothing_can_be_taken() -> None:
    with pytest.raises(IndexError, match="nothing waits"):
        Backlog(LIMIT, is_even).popleft()


def test_what_waits_from_the_beginning_comes_first() -> None:
    backlog = Backlog(LIMIT, is_even, [3, 2, 1])
    backlog.append(4)
    assert [backlog.popleft() for _ in range(4)] == [3, 2, 1, 4]


def test_dropping_takes_no_longer_the_more_waits() -> None:
    began_s = time.monotonic()
    backlog = Backlog(10_000, is_even, range(1, 600_001, 2))
    # 290,000 times through 10,000 would be minutes.
    assert time.monotonic() - began_s < 10
    assert backlog.dropped == 290_000
