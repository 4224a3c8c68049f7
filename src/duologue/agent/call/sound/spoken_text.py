"""Which words of a reply sound when, and so which of them have been heard. Without I/O.

The times come with the sound: the synthesiser tells when each piece of text (a clause, a word, a
character) begins and ends, and every character of a piece gets the same share of its time. Where
a synthesiser tells only the beginning, the pace of ordinary speech stands in for the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from duologue.protocol.server_events import Alignment

MS_PER_CHARACTER = 65.0
"""English is read at about 15 characters a second."""


@dataclass(frozen=True)
class _Piece:
    text: str
    start_ms: float
    end_ms: float

    def character_start_ms(self, index: int) -> float:
        return self.start_ms + (self.end_ms - self.start_ms) * index / len(self.text)


class SpokenText:
    """The text of one reply along the time of its sound, which starts at 0 ms."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._piece = 0
        self._character = 0

    def add(self, text: str, start_ms: float, end_ms: float | None) -> None:
        """Take the next piece of text and when it is spoken, as far as is known."""
        if not text:
            return
        if end_ms is None or end_ms < start_ms:
            end_ms = start_ms + MS_PER_CHARACTER * len(text)
        self._pieces.append(_Piece(text, start_ms, end_ms))

    def take_alignment(self, start_ms: float, end_ms: float) -> Alignment | None:
        """The characters that begin before `end_ms` and were not taken yet, timed from `start_ms`.

        Called for one chunk after another, every character is given once.
        """
        chars: list[str] = []
        starts_ms: list[float] = []
        durations_ms: list[float] = []
        while self._piece < len(self._pieces):
            piece = self._pieces[self._piece]
            begins_ms = piece.character_start_ms(self._character)
            if begins_ms >= end_ms:
                break
            ends_ms = piece.character_start_ms(self._character + 1)
            chars.append(piece.text[self._character])
            starts_ms.append(max(0, round(begins_ms - start_ms)))
            durations_ms.append(round(ends_ms) - round(begins_ms))
            self._advance(piece)
        if not chars:
            return None
        return Alignment(chars=chars, char_start_times_ms=starts_ms, char_durations_ms=durations_ms)

    def heard(self, original: str, position_ms: float, total_ms: float) -> str:
        """The words of the reply that have been spoken in full after so much of its sound.

        Args:
            original: the reply as the language model wrote it, which keeps the marks and spaces
                that a synthesiser leaves out.
            position_ms: how much of the sound has been heard.
            total_ms: how much there is, for replies without known times.
        """
        if self._pieces:
            letters = sum(self._letters_before(piece, position_ms) for piece in self._pieces)
        else:
            share = min(1.0, position_ms / total_ms) if total_ms > 0 else 0.0
            letters = int(share * _letters(original))
        return first_words(original, letters)

    def _advance(self, piece: _Piece) -> None:
        self._character += 1
        if self._character == len(piece.text):
            self._piece += 1
            self._character = 0

    def _letters_before(self, piece: _Piece, position_ms: float) -> int:
        if position_ms >= piece.end_ms:
            return _letters(piece.text)
        return sum(
            piece.text[index].isalnum() and piece.character_start_ms(index + 1) <= position_ms
            for index in range(len(piece.text))
        )


def first_words(text: str, letters: int) -> str:
    """The longest beginning of the text made of whole words with so many letters or digits.

    Marks after the last word belong to it; white space does not.
    """
    if letters >= _letters(text):
        return text.rstrip() if letters else ""
    end = 0
    seen = 0
    for index, character in enumerate(text):
        if character.isspace():
            end = index
        elif character.isalnum():
            seen += 1
            if seen > letters:
                return text[:end].rstrip()
    return text.rstrip()


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)
