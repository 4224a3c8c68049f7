"""Runs the tests again and again, each time in another order, and tells which failed how often.

    python -m scripts.steady --runs 10 --loaded 3 [--target test-real]

Each run has a seed of its own, which decides over the order of the tests and over the examples that
hypothesis draws. Beside the last of them, as many as `--loaded` says, a loop takes one core, as on
a machine that has something else to do. What each run said is kept in `.steady/`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOGS: Final = ROOT / ".steady"
RUN_LIMIT_S: Final = 3600.0
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_BROKEN: Final = re.compile(r"^make: .*\bError \d+ \(ignored\)$", re.MULTILINE)
_SUMMARY: Final = re.compile(r"^=* ?(\d+ .*) in [\d.]+s.*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How one run ended.

    Attributes:
        failed: the tests that did, each once.
        summaries: what pytest said at the end of each of its parts.
        took_s: all of them together.
    """

    failed: tuple[str, ...]
    summaries: tuple[str, ...]
    took_s: float


def outcome_of(output: str, exit_code: int, took_s: float) -> Outcome:
    """Read what `make --ignore-errors` said of a run."""
    failed = tuple(dict.fromkeys(_FAILED.findall(output)))
    if not failed and (exit_code or _BROKEN.search(output)):
        failed = ("(broken off: no test is named)",)
    return Outcome(failed, tuple(_SUMMARY.findall(output)), took_s)


def run(command: Sequence[str], seed: int, log: Path) -> Outcome:
    """Run the tests once; what they say goes into a file."""
    options = (
        f"-p randomly --randomly-seed={seed} --hypothesis-profile=other --hypothesis-seed={seed}"
    )
    began_s = time.monotonic()
    with log.open("wb") as file:
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTEST_ADDOPTS": options},
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=RUN_LIMIT_S,
            check=False,
        )
    took_s = time.monotonic() - began_s
    return outcome_of(log.read_text(errors="replace"), finished.returncode, took_s)


@contextmanager
def load() -> Iterator[subprocess.Popen[bytes]]:
    """Take one core while the context lasts; gives the process that does."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as loop:
        try:
            yield loop
        finally:
            loop.kill()


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each test that failed, the most frequent first."""
    counts = Counter(test for outcome in outcomes for test in outcome.failed)
    return [f"{count} of {len(outcomes)}: {test}" for test, count in counts.most_common()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests as often as asked; the exit code is 1 if one of them ever failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3, help="how often (3)")
    parser.add_argument("--loaded", type=int, default=1, help="how many beside a load (1)")
    parser.add_argument("--target", default="test", help="test, test-fast or test-real (test)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run (1)")
    options = parser.parse_args(arguments)
    LOGS.mkdir(exist_ok=True)
    outcomes = []
    for number in range(1, options.runs + 1):
        seed = options.seed + number - 1
        is_loaded = number > options.runs - options.loaded
        command = ("make", "--ignore-errors", "--no-print-directory", options.target)
        with load() if is_loaded else nullcontext():
            outcome = run(command, seed, LOGS / f"{seed}.log")
        outcomes.append(outcome)
        minutes, seconds = divmod(round(outcome.took_s), 60)
        print(
            f"run {number} of {options.runs}, seed {seed}{', beside a load' if is_loaded else ''}: "
            f"{minutes}:{seconds:02}; {'; '.join(outcome.summaries)}",
            *outcome.failed,
            sep="\n    ",
            flush=True,
        )
    lines = failures(outcomes)
    print(*(lines or [f"{len(outcomes)} runs, and not one test failed"]), sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
