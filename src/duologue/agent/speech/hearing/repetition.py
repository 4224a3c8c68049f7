"""Recognising a text in which the decoder got caught in a loop."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

COMPRESSION_RATIO_OF_A_LOOP = 2.4
"""As in the Whisper paper (section 4.5): ordinary text stays below 2."""
REPEATS_OF_A_LOOP = 4
"""People do say "no, no, no"; four times the same phrase running is a machine."""
LONGEST_PHRASE_WORDS = 12


def is_repetitive(text: str) -> bool:
    """Whether the text says one phrase over and over."""
    data = text.encode()
    if len(data) > COMPRESSION_RATIO_OF_A_LOOP * len(zlib.compress(data)):
        return True
    return _first_loop(_words(text)) is not None


def without_repetition(text: str) -> str:
    """Return the text with each phrase that loops said once, or the text itself."""
    pieces = text.split()
    while (loop := _first_loop(_words(" ".join(pieces)))) is not None:
        start, length, repeats = loop
        pieces = pieces[: start + length] + pieces[start + length * repeats :]
    return " ".join(pieces)


def _first_loop(words: list[str]) -> tuple[int, int, int] | None:
    """Return where a loop starts, how many words its phrase has, and how often it is said."""
    for start in range(len(words)):
        longest = min(LONGEST_PHRASE_WORDS, (len(words) - start) // REPEATS_OF_A_LOOP)
        for length in range(1, longest + 1):
            repeats = _repeats(words, start, length)
            if repeats >= REPEATS_OF_A_LOOP:
                return start, length, repeats
    return None


def _repeats(words: list[str], start: int, length: int) -> int:
    phrases = [words[at : at + length] for at in range(start, len(words) - length + 1, length)]
    repeats = 1
    for one, following in pairwise(phrases):
        if one != following:
            break
        repeats += 1
    return repeats


def _words(text: str) -> list[str]:
    return [_plain(piece) for piece in text.split()]


def _plain(piece: str) -> str:
    return re.sub(r"\W", "", piece).lower()
