"""Pings and what their pongs measure."""

from duologue.agent.call.round_trip import MOST_UNANSWERED, RoundTrip


def test_the_first_ping_knows_nothing_yet() -> None:
    trip = RoundTrip()
    assert trip.ping(1, 0).ping_ms is None
    assert trip.one_way_ms == 0


def test_a_pong_is_measured_and_told_with_the_next_ping() -> None:
    trip = RoundTrip()
    trip.ping(1, 1000)
    trip.pong(1, 1080)
    assert trip.one_way_ms == 40
    assert trip.ping(2, 6000).ping_ms == 80


def test_a_pong_that_answers_nothing_changes_nothing() -> None:
    trip = RoundTrip()
    trip.ping(1, 0)
    trip.pong(7, 50)
    assert trip.one_way_ms == 0


def test_a_pong_counts_once() -> None:
    trip = RoundTrip()
    trip.ping(1, 0)
    trip.pong(1, 10)
    trip.pong(1, 500)
    assert trip.one_way_ms == 5


def test_pings_that_nobody_answers_are_forgotten() -> None:
    trip = RoundTrip()
    for number in range(MOST_UNANSWERED + 1):
        trip.ping(number, number)
    trip.pong(0, 10_000)
    assert trip.one_way_ms == 0
    trip.pong(1, 101)
    assert trip.one_way_ms == 50
