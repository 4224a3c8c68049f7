"""What was understood of what was said: a small model mishears a word now and then."""

from __future__ import annotations

import jiwer

from benchmarks.word_error_rate import plain

MISHEARD = 0.5
"""A text with more wrong words than this is of something else than was said."""

REPEATED_AT_LEAST = 3
"""Fewer words may well stand twice in a good sentence."""


def is_like(said: str, heard: str, wrong_at_most: float = MISHEARD) -> bool:
    """Whether a text is of what was said, with no larger share of its words misheard.

    A small model may say the same over and over, and a recogniser writes that down once or a few
    times: then what counts is all up to the first repetition.
    """
    said_words, heard_words = plain(said).split(), plain(heard).split()
    once = before_repetition(said_words)
    if len(once) < len(said_words):
        heard_words = heard_words[: len(once)]
    return float(jiwer.wer(" ".join(once), " ".join(heard_words))) <= wrong_at_most


def before_repetition(words: list[str]) -> list[str]:
    """The words up to the first place where some that have just been said are said again."""
    for end in range(REPEATED_AT_LEAST, len(words)):
        for length in range(REPEATED_AT_LEAST, end + 1):
            if words[end - length : end] == words[end : end + length]:
                return words[:end]
    return words


def begins_like(said: str, heard: str) -> bool:
    """Whether a text is of the beginning of what was said."""
    words = plain(heard).split()
    return bool(words) and is_like(" ".join(plain(said).split()[: len(words)]), heard)


def ends_like(said: str, heard: str) -> bool:
    """Whether the end of a text is of what was said last.

    Two words may have been heard as one, or one as two, so the end may be a little shorter or
    longer than what was said.
    """
    words, length = plain(heard).split(), len(plain(said).split())
    some = max(1, length // 3)
    ends = (words[-end:] for end in range(max(1, length - some), length + some + 1))
    return any(is_like(said, " ".join(end)) for end in ends)


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
