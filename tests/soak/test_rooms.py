"""The soak of rooms: what it takes for growth."""

from __future__ import annotations

import pytest

from soak.figures import Figures
from soak.rooms import ENDS, JOINING, Course, main


def figures(*, threads: int = 12, memory_mb: float = 50.0) -> Figures:
    return Figures(at_s=1.0, memory_mb=memory_mb, descriptors=10, threads=threads, tasks=1)


def test_what_is_there_at_both_rests_is_no_growth() -> None:
    course = Course(clients=[figures(), figures()], agent=[figures(), figures()], sessions=80)
    assert course.failures() == []


def test_a_thread_more_than_at_the_first_rest_is_growth() -> None:
    course = Course(clients=[figures(), figures()], agent=[figures(), figures(threads=13)])
    assert course.failures() == ["agent: threads from 12 to 13"]


def test_of_the_clients_memory_only_so_much_grows_with_each_room() -> None:
    course = Course(agent=[figures(), figures()], sessions=30)
    course.clients = [figures(), figures(memory_mb=64.0)]
    assert course.failures() == []
    course.clients = [figures(), figures(memory_mb=66.0)]
    (failure,) = course.failures()
    assert failure.startswith("clients: memory by 16.0 MB")


def test_what_is_left_of_a_round_is_a_failure() -> None:
    course = Course(clients=[figures()] * 2, agent=[figures()] * 2)
    course.left = ["after 25: 1 rooms on the server"]
    assert course.failures() == course.left


def test_a_room_is_joined_in_some_of_the_ways_to_end() -> None:
    assert set(JOINING) < set(ENDS)


def test_fewer_conversations_than_warm_up_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--sessions", "20"])
    assert "more than the 20" in capsys.readouterr().err
