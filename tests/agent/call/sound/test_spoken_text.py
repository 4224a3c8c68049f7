"""Which words sound when, and which of them were heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.call.sound.spoken_text import MS_PER_CHARACTER, SpokenText, first_words

TEXT = "Hello there, my friend. Good day!"


def two_pieces() -> SpokenText:
    spoken = SpokenText()
    spoken.add("Hello there, my friend. ", 0, 2400)
    spoken.add("Good day!", 3000, 3900)
    return spoken


@pytest.mark.parametrize(
    ("position_ms", "heard"),
    [
        (0, ""),
        (499, ""),
        (500, "Hello"),
        (1500, "Hello there, my"),
        (2399, "Hello there, my friend."),
        (2900, "Hello there, my friend."),
        (3400, "Hello there, my friend. Good"),
        (3900, TEXT),
        (99_999, TEXT),
    ],
)
def test_heard_are_the_words_that_were_said_in_full(position_ms: float, heard: str) -> None:
    assert two_pieces().heard(TEXT, position_ms, 3900) == heard


def test_marks_that_are_not_spoken_stay_in_what_was_heard() -> None:
    spoken = SpokenText()
    spoken.add("Hello there, my friend.", 0, 2300)
    assert spoken.heard("Hello **there**, my friend.", 1300, 2300) == "Hello **there**,"


def test_without_times_the_share_of_the_sound_decides() -> None:
    assert SpokenText().heard("one two three four", 500, 1000) == "one two"
    assert SpokenText().heard("one two", 0, 0) == ""


def test_each_character_is_aligned_once_and_from_its_chunk() -> None:
    spoken = two_pieces()
    first = spoken.take_alignment(0, 500)
    second = spoken.take_alignment(500, 1000)
    assert first is not None
    assert second is not None
    assert "".join(first.chars) == "Hello"
    assert first.char_start_times_ms == [0, 100, 200, 300, 400]
    assert "".join(second.chars) == " ther"
    assert second.char_start_times_ms[0] == 0
    assert set(second.char_durations_ms) == {100}


def test_a_chunk_in_a_pause_has_no_alignment() -> None:
    spoken = two_pieces()
    spoken.take_alignment(0, 2400)
    assert spoken.take_alignment(2400, 3000) is None


def test_an_unknown_end_is_guessed_from_the_pace_of_speech() -> None:
    spoken = SpokenText()
    spoken.add("ab", 0, None)
    alignment = spoken.take_alignment(0, 10_000)
    assert alignment is not None
    assert alignment.char_start_times_ms == [0, MS_PER_CHARACTER]


@given(
    st.lists(st.tuples(st.text(max_size=20), st.integers(0, 2000)), max_size=6),
    st.lists(st.integers(1, 900), max_size=30),
)
def test_the_chunks_hold_the_whole_text_in_order(
    pieces: list[tuple[str, int]], chunks: list[int]
) -> None:
    spoken = SpokenText()
    at_ms = 0
    for text, length_ms in pieces:
        spoken.add(text, at_ms, at_ms + length_ms)
        at_ms += length_ms
    start_ms, chars = 0.0, []
    for end_ms in [*(start_ms + length for length in chunks), float("inf")]:
        alignment = spoken.take_alignment(start_ms, end_ms)
        chars += alignment.chars if alignment else []
        start_ms = end_ms
    assert "".join(chars) == "".join(text for text, _ in pieces)


@given(st.text(), st.integers(0, 50))
def test_first_words_are_a_beginning_with_no_more_letters(text: str, letters: int) -> None:
    words = first_words(text, letters)
    assert text.startswith(words)
    assert sum(character.isalnum() for character in words) <= letters
