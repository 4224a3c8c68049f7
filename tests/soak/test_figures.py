from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from soak.figures import Figures, growth

CONVERSATIONS = 2


def course(name: str, *values: float) -> list[Figures]:
    """Measurements in which one figure changes, and the others do not."""
    usual: dict[str, Any] = {"memory_mb": 50.0, "descriptors": 10, "threads": 5, "tasks": 40}
    return [
        Figures(at_s=float(at_s), **{**usual, name: value}) for at_s, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("memory_mb", (50, 51, 52, 53, 54, 55), "memory by 4.0 MB, and 3.0 MB are allowed"),
        ("memory_mb", (200, 200, 203, 203, 210, 210), "memory by 10.0 MB, and 6.0 MB are allowed"),
        ("descriptors", (10, 10, 10, 11, 11, 11), "descriptors from 10 to 11"),
        ("threads", (5, 5, 6, 6, 7, 7), "threads from 5 to 7"),
        ("tasks", (40, 40, 40, 45, 45, 45), "tasks from 40 to 45"),
    ],
)
def test_what_has_grown_is_named(name: str, values: tuple[float, ...], sentence: str) -> None:
    assert growth(course(name, *values), CONVERSATIONS) == [sentence]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("memory_mb", (50, 50, 50, 51, 52, 52)),
        ("memory_mb", (200, 200, 200, 205, 205, 205)),
        ("memory_mb", (50, 50, 90, 90, 50, 50)),  # a peak that has gone is no growth
        ("descriptors", (10, 10, 10, 9, 9, 9)),
        ("tasks", (40, 40, 40, 44, 44, 44)),
    ],
)
def test_what_stays_within_limits_is_no_growth(name: str, values: tuple[float, ...]) -> None:
    assert growth(course(name, *values), CONVERSATIONS) == []


def test_a_process_is_measured() -> None:
    figures = Figures.of(os.getpid(), at_s=1.0, tasks=3)
    assert figures.memory_mb > 10
    assert figures.descriptors >= 3
    assert figures.threads >= threading.active_count()
    assert (figures.at_s, figures.tasks) == (1.0, 3)
