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


class ClauseSplitter:
    """Takes a reply as it is written and gives it back in pieces.

    The pieces, put together, are the text itself: nothing is added, lost or trimmed.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._is_first = True

    def push(self, text: str) -> list[str]:
        """Take more text and return the pieces that are complete, perhaps none."""
        self._waiting += text
        pieces = []
        while (end := self._end_of_piece()) is not None:
            pieces.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
            self._is_first = False
        return pieces

    def finish(self) -> list[str]:
        """Return what is left, as the last piece, if anything is."""
        rest, self._waiting = self._waiting, ""
        return [rest] if rest else []

    def _end_of_piece(self) -> int | None:
        shortest = SHORTEST_FIRST_CHARS if self._is_first else SHORTEST_CHARS
        for match in (_PAUSE if self._is_first else _STOP).finditer(self._waiting):
            end = match.end()
            # White space that the text ends with may go on, and belongs to this piece then.
            is_settled = end < len(self._waiting)
            if end >= shortest and is_settled and not _NO_STOP.search(self._waiting[:end]):
                return end
        if len(self._waiting) > LONGEST_CHARS:
            return self._waiting.rfind(" ", 0, LONGEST_CHARS) + 1 or LONGEST_CHARS
        return None
