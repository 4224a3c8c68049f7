import itertools
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from scripts import steady
from scripts.steady import Outcome, failures, load, outcome_of, run

GREEN = """\
============================= 92 passed in 130.51s (0:02:10) =====================
4047 passed in 119.02s (0:01:59)
"""
RED = """\
FAILED tests/real/test_whisper.py::test_what[soft noise] - AssertionError: assert 'a - b'
ERROR tests/real/test_room.py::test_it
FAILED tests/real/test_room.py::test_it - TimeoutError
=================== 1 failed, 91 passed, 1 error in 130.51s (0:02:10) ===================
make: [Makefile:37: test] Error 1 (ignored)
"""


def test_a_green_run_names_no_test() -> None:
    assert outcome_of(GREEN, 0, 249.5) == Outcome((), ("92 passed", "4047 passed"), 249.5)


def test_a_red_run_names_each_test_once() -> None:
    outcome = outcome_of(GREEN + RED, 0, 1.0)
    assert outcome.failed == (
        "tests/real/test_whisper.py::test_what[soft noise]",
        "tests/real/test_room.py::test_it",
    )
    assert outcome.summaries[-1] == "1 failed, 91 passed, 1 error"


@pytest.mark.parametrize(
    ("output", "exit_code"), [("make: [Makefile:37: test] Error 4 (ignored)\n", 0), ("", 2)]
)
def test_a_run_that_breaks_off_is_no_green_one(output: str, exit_code: int) -> None:
    (failed,) = outcome_of(output, exit_code, 1.0).failed
    assert "broken off" in failed


def test_the_tests_that_fail_most_come_first() -> None:
    outcomes = [Outcome(failed, (), 1.0) for failed in [("a", "b"), ("b",), ()]]
    assert failures(outcomes) == ["2 of 3: b", "1 of 3: a"]


def test_a_run_is_told_its_seed_and_its_words_are_kept(tmp_path: Path) -> None:
    program = "import os; print('FAILED x -', os.environ['PYTEST_ADDOPTS'])"
    outcome = run((sys.executable, "-c", program), 7, tmp_path / "7.log")
    assert outcome.failed == ("x",)
    assert "--randomly-seed=7" in (tmp_path / "7.log").read_text()


def test_the_load_ends_with_its_run() -> None:
    with load() as loop:
        assert loop.poll() is None
    assert loop.poll() is not None


def test_the_exit_code_tells_whether_a_test_ever_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steady, "LOGS", tmp_path)
    loads = itertools.count()
    outcomes = {1: Outcome((), ("2 passed",), 61.0), 2: Outcome(("a",), ("1 failed",), 5.0)}
    monkeypatch.setattr(steady, "run", lambda command, seed, log: outcomes[seed])
    monkeypatch.setattr(steady, "load", lambda: nullcontext(next(loads)))
    assert steady.main(["--runs", "1", "--loaded", "0"]) == 0
    assert steady.main(["--runs", "2", "--loaded", "1"]) == 1
    assert next(loads) == 1
    said = capsys.readouterr().out
    assert "run 1 of 2, seed 1: 1:01; 2 passed" in said
    assert "run 2 of 2, seed 2, beside a load: 0:05; 1 failed\n    a\n" in said
    assert said.endswith("1 of 2: a\n")
