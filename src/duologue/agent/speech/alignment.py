"""Which character of a text sounds when.

Piper's voices tell at best the length of phonemes, and only with a package that is not needed
otherwise; so the times are estimated, by giving every character of a piece the same share of the
time in which that piece sounds. A piece is a clause or a sentence, so the error stays within it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """The characters of a text with the time at which each begins, in ms, and its length."""

    chars: list[str]
    start_times_ms: list[int]
    durations_ms: list[int]

    def between(self, start_ms: int, end_ms: int) -> Alignment:
        """Return the characters that begin in this stretch, timed from its start.

        Consecutive stretches share no character and lose none.
        """
        inside = [i for i, time in enumerate(self.start_times_ms) if start_ms <= time < end_ms]
        return Alignment(
            chars=[self.chars[i] for i in inside],
            start_times_ms=[self.start_times_ms[i] - start_ms for i in inside],
            durations_ms=[self.durations_ms[i] for i in inside],
        )


def estimate_alignment(text: str, duration_ms: int, *, start_ms: int = 0) -> Alignment:
    """Spread a text evenly over the time in which it is spoken.

    Args:
        text: what is said.
        duration_ms: for how long the voice sounds, without silence before and after.
        start_ms: when it begins.

    Raises:
        ValueError: a negative duration.
    """
    if duration_ms < 0:
        raise ValueError(f"a duration is at least 0 ms, not {duration_ms}")
    count = len(text)
    edges = [start_ms + duration_ms * i // count for i in range(count)] if count else []
    ends = [*edges[1:], start_ms + duration_ms]
    return Alignment(
        chars=list(text),
        start_times_ms=edges,
        durations_ms=[end - start for start, end in zip(edges, ends, strict=False)],
    )
