"""Docstrings for those who do not await."""

from __future__ import annotations

import pytest

from scripts.generate_blocking.docstrings import blocking_docstring


def test_what_speaks_of_nothing_async_stays_as_it_is() -> None:
    docstring = """Say something.

    Raises:
        TypeError: `text` is no string,
            or nothing.

    - `one`: first
      line.
    - `two`: second.
    """
    assert blocking_docstring(docstring) == (
        "Say something.\n\nRaises:\n    TypeError: `text` is no string,\n        or nothing.\n\n"
        "- `one`: first\n  line.\n- `two`: second."
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "Cancelling releases everything.",
        "It is awaited before the next.",
        "This belongs to the event loop.",
        "A coroutine may do so.",
    ],
)
def test_sentences_about_awaiting_and_cancelling_are_left_out(sentence: str) -> None:
    text = blocking_docstring(f"Upload a file. {sentence}\n\n{sentence} It is sent.\n\n{sentence}")
    assert text == "Upload a file.\n\nIt is sent."


def test_the_first_sentence_stays_whatever_it_says() -> None:
    assert blocking_docstring("Await it. Cancelling is fine.") == "Await it."


def test_items_of_a_list_are_looked_at_one_by_one() -> None:
    text = (
        "Do it.\n\nArgs:\n    one: the first. Cancelling it is\n        fine.\n    two: the second."
    )
    assert blocking_docstring(text) == (
        "Do it.\n\nArgs:\n    one: the first.\n    two: the second."
    )


def test_phrases_are_said_otherwise_and_lines_are_wrapped_anew() -> None:
    text = "Ended by " + "leaving the `async with`, " * 6 + "at last."
    lines = blocking_docstring(text).splitlines()
    assert len(lines) > 1
    assert "async" not in " ".join(lines)
    assert max(map(len, lines)) <= 92


def test_a_call_that_awaits_approval_is_not_about_async() -> None:
    assert blocking_docstring("Decide.\n\nA call is awaiting it.").endswith(
        "A call is awaiting it."
    )
