"""The soak of many conversations: what it takes for a failure, and itself for some seconds."""

from __future__ import annotations

from typing import Any

import pytest

from soak.figures import Figures
from soak.many import Course, main


def seen(*, chunks: int = 1000, late_p99_ms: float = 5.0) -> dict[str, Any]:
    return {"chunks": chunks, "late_p50_ms": 1.0, "late_p99_ms": late_p99_ms}


def course(*halves: dict[str, Any], blocked: int = 1, dropped: int = 0) -> Course:
    figures = [
        Figures(at_s=at_s, memory_mb=50.0, descriptors=10, threads=4, tasks=9)
        for at_s in (1.0, 2.0, 3.0)
    ]
    main_half, other_half = halves
    return Course(figures, blocked, (1000.0, 1000.0), (main_half, other_half), dropped)


def test_the_loop_that_is_held_up_may_be_late_by_so_much_and_no_other() -> None:
    assert course(seen(late_p99_ms=1100.0), seen()).failures(0.0, 20) == []
    assert course(seen(), seen(late_p99_ms=990.0)).failures(0.0, 20) == [
        "other loop: late by 990 ms, and 500 ms are allowed"
    ]


def test_sound_that_did_not_arrive_is_a_failure() -> None:
    assert course(seen(chunks=950), seen()).failures(0.0, 20) == [
        "main loop: 50 chunks were lost",
    ]
    assert course(seen(), seen(), dropped=3).failures(0.0, 20) == ["3 chunks were dropped"]


def test_a_run_in_which_nothing_was_held_up_shows_nothing() -> None:
    (failure,) = course(seen(), seen(), blocked=0).failures(0.0, 20)
    assert "never held up" in failure


def test_too_few_calls_for_two_loops_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--calls", "3"])
    assert "at least 4" in capsys.readouterr().err


@pytest.mark.timeout(120)
def test_many_conversations_use_no_more_as_they_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    result = main(["--seconds", "8", "--calls", "20", "--warm-up", "4"])
    printed = capsys.readouterr().out
    assert result == 0, printed
    assert "held up 1 times" in printed
    assert printed.endswith("nothing has grown, nobody was held up by others\n")
