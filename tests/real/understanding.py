"""What was understood of what was said: a small model mishears a word now and then."""

from __future__ import annotations

import jiwer

from benchmarks.word_error_rate import plain

MISHEARD = 0.5
"""A text with more wrong words than this is of something else than was said."""


def is_like(said: str, heard: str, wrong_at_most: float = MISHEARD) -> bool:
    """Whether a text is of what was said, with no larger share of its words misheard."""
    return float(jiwer.wer(plain(said), plain(heard))) <= wrong_at_most


def begins_like(said: str, heard: str) -> bool:
    """Whether a text is of the beginning of what was said."""
    words = plain(heard).split()
    return bool(words) and is_like(" ".join(plain(said).split()[: len(words)]), heard)


def ends_like(said: str, heard: str) -> bool:
    """Whether the end of a text is of what was said last."""
    return is_like(said, " ".join(plain(heard).split()[-len(plain(said).split()) :]))


def assert_answered(question: str, heard: str, answer: str, expected: str) -> None:
    """The agent heard a question, and answered what it heard.

    Args:
        question: what was asked.
        heard: what the agent took it for.
        answer: what it said then.
        expected: a word of the right answer.
    """
    assert is_like(question, heard), f"{question!r} was heard as {heard!r}"
    assert answer.strip()
    if is_like(question, heard, 0):  # to another question, another answer may be right
        assert expected in plain(answer).split(), f"{answer!r} has no {expected!r}"
