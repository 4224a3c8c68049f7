"""What a process uses, second by second, and whether that stays flat."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ALLOWED_MB = 3.0
ALLOWED_SHARE = 0.03
"""How much more memory the last third may take than the first, whichever is larger.

What a conversation keeps by design (its transcript, its turn metrics, the agent's memory of it)
is some kB a turn, and less than 1 MB for 20 conversations in 3 minutes. One message of sound kept
for each that is sent would be 13 MB for the clients alone in that time.
"""

ALLOWED_TASKS = 2.0
"""By how many tasks a conversation both thirds may differ: a turn has some of its own."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one process used at one moment.

    Attributes:
        at_s: when, since the beginning.
        memory_mb: resident memory.
        descriptors: open file descriptors.
        threads: of the operating system.
        tasks: of the event loop.
    """

    at_s: float
    memory_mb: float
    descriptors: int
    threads: int
    tasks: int

    @classmethod
    def of(cls, pid: int, at_s: float, tasks: int) -> Figures:
        """Those of a process now (Linux)."""
        process = Path(f"/proc/{pid}")
        pages = int((process / "statm").read_text().split()[1])
        return cls(
            at_s=at_s,
            memory_mb=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            descriptors=len(os.listdir(process / "fd")),
            threads=len(os.listdir(process / "task")),
            tasks=tasks,
        )

    @classmethod
    def median(cls, figures: Sequence[Figures]) -> Figures:
        """The median of each figure."""
        median = statistics.median_low
        return cls(
            at_s=median(one.at_s for one in figures),
            memory_mb=median(one.memory_mb for one in figures),
            descriptors=median(one.descriptors for one in figures),
            threads=median(one.threads for one in figures),
            tasks=median(one.tasks for one in figures),
        )

    def __str__(self) -> str:
        return (
            f"{self.at_s:8.0f}{self.memory_mb:12.1f}{self.descriptors:14}"
            f"{self.threads:10}{self.tasks:8}"
        )


HEADER = f"{'second':>8}{'memory, MB':>12}{'descriptors':>14}{'threads':>10}{'tasks':>8}"


def growth(figures: Sequence[Figures], conversations: int, *, known_mb: float = 0.0) -> list[str]:
    """What has grown between the first and the last third of the time, in sentences.

    Args:
        figures: in the order of time.
        conversations: how many go on at any time.
        known_mb: how much more memory is known to be kept by a library.
    """
    third = max(1, len(figures) // 3)
    first, last = Figures.median(figures[:third]), Figures.median(figures[-third:])
    allowed_mb = max(ALLOWED_MB, ALLOWED_SHARE * first.memory_mb) + known_mb
    grown = []
    if last.memory_mb - first.memory_mb > allowed_mb:
        more_mb = last.memory_mb - first.memory_mb
        grown.append(f"memory by {more_mb:.1f} MB, and {allowed_mb:.1f} MB are allowed")
    if last.descriptors > first.descriptors:
        grown.append(f"descriptors from {first.descriptors} to {last.descriptors}")
    if last.threads > first.threads:
        grown.append(f"threads from {first.threads} to {last.threads}")
    if last.tasks - first.tasks > ALLOWED_TASKS * conversations:
        grown.append(f"tasks from {first.tasks} to {last.tasks}")
    return grown
