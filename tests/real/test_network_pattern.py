"""The pattern by which a bad network loses and delays packets."""

from __future__ import annotations

import pytest

from tests.real.network_pattern import OUTAGE, Impairment, Lane

PACKETS = 10_000
BAD = Impairment(loss=0.1, delay_ms=20, jitter_ms=80)


def arrivals_s(seed: int, impairment: Impairment, packets: int = PACKETS) -> list[float | None]:
    """When packets arrive of which one is sent every 20 ms."""
    lane = Lane(seed)
    lane.impairment = impairment
    return [lane.due_s(number * 0.02) for number in range(packets)]


def test_a_perfect_network_lets_everything_through_at_once() -> None:
    lane = Lane(1)
    assert [lane.due_s(now_s) for now_s in (0.0, 1.0)] == [0.0, 1.0]
    assert (lane.passed, lane.lost) == (2, 0)


def test_the_share_of_lost_packets_is_as_wanted() -> None:
    lost = arrivals_s(1, BAD).count(None)
    assert lost / PACKETS == pytest.approx(0.1, abs=0.01)


def test_packets_are_delayed_within_the_jitter_and_overtake_each_other() -> None:
    due = [(number * 0.02, due_s) for number, due_s in enumerate(arrivals_s(1, BAD))]
    delays_s = [due_s - sent_s for sent_s, due_s in due if due_s is not None]
    assert min(delays_s) == pytest.approx(0.02, abs=0.001)
    assert max(delays_s) == pytest.approx(0.1, abs=0.001)
    arrived_s = [due_s for _, due_s in due if due_s is not None]
    assert arrived_s != sorted(arrived_s)


def test_a_seed_decides_over_all_packets() -> None:
    assert arrivals_s(1, BAD) == arrivals_s(1, BAD)
    assert arrivals_s(1, BAD) != arrivals_s(2, BAD)


def test_what_went_before_changes_nothing_for_later_packets() -> None:
    lane = Lane(1)
    lane.impairment = OUTAGE
    assert [lane.due_s(0.0) for _ in range(5)] == [None] * 5
    lane.impairment = BAD
    after = [lane.due_s(number * 0.02) for number in range(5, 100)]
    assert after == arrivals_s(1, BAD, 100)[5:]
