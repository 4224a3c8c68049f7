"""The soak of rooms: what it counts, and the count itself, for a few conversations."""

from __future__ import annotations

from soak.figures import Figures
from soak.rooms import lowest_of_thirds


def figures(threads: int) -> Figures:
    return Figures(at_s=1.0, memory_mb=50.0, descriptors=10, threads=threads, tasks=1)


def test_threads_that_come_and_go_are_told_from_those_that_stay() -> None:
    passing = [figures(threads) for threads in (12, 17, 12, 17, 17, 12)]
    staying = [figures(threads) for threads in (12, 17, 12, 17, 17, 13)]
    assert [one.threads for one in lowest_of_thirds(passing)] == [12, 12]
    assert [one.threads for one in lowest_of_thirds(staying)] == [12, 13]
