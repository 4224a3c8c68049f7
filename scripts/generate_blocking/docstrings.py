"""Docstrings of async functions, told to those who call them without `await`."""

from __future__ import annotations

import re
import textwrap
from inspect import cleandoc
from typing import Final

WIDTH: Final = 100

PHRASES: Final = {
    "`async with`": "`with`",
    "`async for`": "`for`",
    "or at the latest as its event loop shuts down": "or at the latest as the program ends",
    "Its senders may be called from any thread; everything else belongs to the event loop in which "
    "it was started.": "All of it may be called from any thread.",
    "They are checked here, before anything is opened; what is returned is to be awaited or "
    "entered.": "They are checked before anything is opened. The conversation is returned when it "
    "is connected; `end_session` ends it, and so does leaving it as a `with` block. Ctrl-C "
    "meanwhile releases everything, and raises `KeyboardInterrupt` after that.",
    "Awaiting or entering raises:": "While it connects, it raises:",
}
"""What is said otherwise without an event loop."""

_ASYNC: Final = re.compile(
    r"\b(awaits?|awaited|async|cancels?|cancelled|cancelling|event loop|coroutine)\b",
    re.IGNORECASE,
)
"""A sentence with one of these words speaks of what a blocking caller cannot do."""

_DROPPED: Final = "\0"
"""What is left of a paragraph of nothing but such sentences."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"])")


def blocking_docstring(docstring: str) -> str:
    """The docstring with `PHRASES` said otherwise, and without the sentences that still speak of
    awaiting and cancelling, except the first. What does not change keeps its lines.
    """
    first, *others = _units(cleandoc(docstring))
    units = [_adapted(first, is_first=True), *map(_adapted, others)]
    text = "\n".join(unit for unit in units if unit is not _DROPPED)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _units(text: str) -> list[str]:
    """Paragraphs and items of lists, each of one or more lines; an empty line is one of its own."""
    units: list[list[str]] = []
    for line in text.splitlines():
        if units and _continues(units[-1], line):
            units[-1].append(line)
        else:
            units.append([line])
    return ["\n".join(unit) for unit in units]


def _continues(unit: list[str], line: str) -> bool:
    first = unit[0]
    if not first.strip() or not line.strip() or line.lstrip().startswith("- "):
        return False
    if _indent(first) or first.startswith("- "):
        return _indent(line) > _indent(first)
    return not _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _adapted(unit: str, *, is_first: bool = False) -> str:
    lines = unit.splitlines() or [""]
    text = " ".join(line.strip() for line in lines)
    said = text
    for phrase, instead in PHRASES.items():
        said = said.replace(phrase, instead)
    kept = [
        sentence
        for number, sentence in enumerate(_SENTENCE_END.split(said))
        if (is_first and number == 0) or not _ASYNC.search(sentence)
    ]
    said = " ".join(kept)
    if said == text:
        return unit
    if not said:
        return _DROPPED
    first = " " * _indent(lines[0])
    later = " " * _indent(lines[1]) if len(lines) > 1 else first
    return textwrap.fill(
        said,
        WIDTH - 8,  # it stands in a method of a class
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
