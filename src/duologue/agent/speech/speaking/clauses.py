"""Cutting a reply into the pieces that are spoken one after another.

The first piece ends at the first comma or stop, so that the voice can begin while the language
model still writes; the following ones are whole sentences, which sound better.
"""

from __future__ import annotations

import re

SHORTEST_FIRST_CHARS = 8
"""A first piece like "Oh," would have been spoken before the second is ready."""
SHORTEST_CHARS = 20
LONGEST_CHARS = 240
"""Some 15 s of speech. Text without a stop is cut at a space, or the voice would wait for ever."""

_STOP = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|\n+\s*")
_PAUSE = re.compile(r"[.!?…,;:—–]+[\"'”’)\]]*\s+|\n+\s*")
_NO_STOP = re.compile(r"(?:^|\W)(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|[A-Z]|\d+)\.\s+$")


_NO_STOP_CHARS = 16
"""So much of a piece is looked at for whether its point ends a sentence: more than any of these."""


class ClauseSplitter:
    """Takes a reply as it is written and gives it back in pieces.

    The pieces, put together, are the text itself: nothing is added, lost or trimmed. However
    contrived a text is, each of its characters is looked at so often at most: the end of a piece is
    looked for within the longest that there may be.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._is_first = True

    def push(self, text: str) -> list[str]:
        """Take more text and return the pieces that are complete, perhaps none."""
        self._waiting += text
        pieces = []
        start = 0
        while (end := self._end_of_piece(start)) is not None:
            pieces.append(self._waiting[start:end])
            start = end
            self._is_first = False
        self._waiting = self._waiting[start:]
        return pieces

    def finish(self) -> list[str]:
        """Return what is left, as the last piece, if anything is."""
        rest, self._waiting = self._waiting, ""
        return [rest] if rest else []

    def _end_of_piece(self, start: int) -> int | None:
        shortest = SHORTEST_FIRST_CHARS if self._is_first else SHORTEST_CHARS
        window = self._waiting[start : start + LONGEST_CHARS + 1]
        for match in (_PAUSE if self._is_first else _STOP).finditer(window):
            end = match.end()
            # White space that the text ends with may go on, and belongs to this piece then.
            is_settled = end < len(window)
            if end >= shortest and is_settled and not _is_no_stop(window, end):
                return start + end
        if len(window) > LONGEST_CHARS:
            return start + (window.rfind(" ", 0, LONGEST_CHARS) + 1 or LONGEST_CHARS)
        return None


def _is_no_stop(text: str, end: int) -> bool:
    return _NO_STOP.search(text, max(0, end - _NO_STOP_CHARS), end) is not None
