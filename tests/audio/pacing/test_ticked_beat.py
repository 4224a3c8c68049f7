from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.pacing.beat import Work
from duologue.audio.pacing.ticked_beat import TICK_S, TickedBeat, tick_after


class NoDoer:
    """Does nothing with what it is given."""

    def __init__(self) -> None:
        self.beats: list[TickedBeat] = []

    def add(self, beat: TickedBeat) -> None:
        self.beats.append(beat)

    def remove(self, beat: TickedBeat) -> None:
        self.beats = [other for other in self.beats if other is not beat]


def _fail(error: Exception) -> None:
    raise AssertionError from error


def nothing(blocks: int) -> None:
    pass


def beat_of(block_ms: int) -> TickedBeat:
    beat = TickedBeat(NoDoer(), Work(name="test", do=nothing, failed=_fail, block_ms=block_ms))
    beat.begin_at(100.0)
    return beat


@given(st.floats(min_value=0, max_value=1e8))
def test_a_tick_is_never_long_before_a_moment_nor_a_whole_one_after_it(moment_s: float) -> None:
    assert -1e-5 <= tick_after(moment_s) - moment_s < TICK_S + 1e-5


def test_a_tick_is_its_own() -> None:
    for number in range(1000):
        assert tick_after(tick_after(number / 7)) == pytest.approx(tick_after(number / 7), abs=1e-9)


@given(st.integers(min_value=5, max_value=1000))
def test_blocks_do_not_drift(block_ms: int) -> None:
    beat = beat_of(block_ms)
    for _ in range(1000):
        beat.take_turn(beat.due_s)
    assert beat.due_s == pytest.approx(100.0 + 1001 * block_ms / 1000, abs=1e-9)


def test_what_is_a_little_late_is_caught_up_with() -> None:
    beat = beat_of(10)
    beat.take_turn(100.9)
    assert beat.due_s == pytest.approx(100.02)


def test_what_is_very_late_goes_on_from_now() -> None:
    beat = beat_of(10)
    beat.take_turn(200.0)
    assert beat.due_s == pytest.approx(200.01)


def test_once_it_is_stopped_nothing_is_done() -> None:
    done: list[int] = []
    doer = NoDoer()
    beat = TickedBeat(doer, Work(name="test", do=done.append, failed=_fail))
    beat.start()
    beat.do()
    beat.stop()
    beat.do()
    assert (done, doer.beats) == ([1], [])


def test_what_fails_is_done_no_more_and_is_told() -> None:
    failures: list[str] = []
    doer = NoDoer()

    def fail(count: int) -> None:
        raise OSError("no")

    work = Work(name="test", do=fail, failed=lambda error: failures.append(str(error)))
    beat = TickedBeat(doer, work)
    beat.start()
    beat.do()
    beat.do()
    assert (failures, doer.beats) == (["no"], [])


def test_all_that_is_due_can_be_done_at_once() -> None:
    beat = beat_of(10)
    assert beat.take_turn(100.01, at_once=True) == 1
    assert beat.take_turn(100.055, at_once=True) == 4
    assert beat.due_s == pytest.approx(100.06)
