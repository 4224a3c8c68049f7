import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.speech.speaking.clauses import LONGEST_CHARS, ClauseSplitter


def split(text: str, step: int = 1) -> list[str]:
    splitter = ClauseSplitter()
    pieces = []
    for start in range(0, len(text), step):
        pieces += splitter.push(text[start : start + step])
    return pieces + splitter.finish()


def test_the_first_piece_is_a_clause_and_the_others_are_sentences() -> None:
    text = "Paris is the capital, of course. It has many museums, and two million people. Go!"
    assert split(text) == [
        "Paris is the capital, ",
        "of course. It has many museums, and two million people. ",
        "Go!",
    ]


def test_a_piece_comes_as_soon_as_the_next_one_has_begun() -> None:
    splitter = ClauseSplitter()
    assert splitter.push("Good morning, ") == []
    assert splitter.push("h") == ["Good morning, "]


def test_a_first_word_too_short_to_bridge_the_time_is_not_spoken_alone() -> None:
    assert split("Oh, that is easy, I think.") == ["Oh, that is easy, ", "I think."]


@pytest.mark.parametrize(
    "text",
    ["Ask Dr. Smith for 3.5 mg. at once", "It costs 1,000 dollars today", "Meet J. R. Tolkien"],
)
def test_a_point_that_ends_no_sentence_does_not_cut(text: str) -> None:
    assert not any(piece.endswith(("Dr. ", "3.", "1,", "J. ", "R. ")) for piece in split(text))


def test_a_line_end_ends_a_piece() -> None:
    assert split("First of all\nSecond of all") == ["First of all\n", "Second of all"]


def test_text_without_any_stop_is_cut_between_words() -> None:
    pieces = split("word " * 200)
    assert all(len(piece) <= LONGEST_CHARS for piece in pieces)
    assert all(piece.endswith("word ") for piece in pieces)


@pytest.mark.parametrize("unit", ["A. ", "!", '."', "1", "a ", " ", "\n"])
def test_contrived_texts_take_time_in_proportion_to_their_length(unit: str) -> None:
    def took_s(chars: int) -> float:
        text = unit * (chars // len(unit))
        began_s = time.process_time()
        assert "".join(split(text, len(text))) == text
        return time.process_time() - began_s

    took_s(10_000)  # whatever is made the first time
    assert took_s(160_000) < 30 * min(took_s(20_000) for _ in range(3)) + 0.05


def test_one_endless_word_is_cut_too() -> None:
    assert max(map(len, split("x" * 1000))) <= LONGEST_CHARS


@given(st.text(alphabet='ab .,!?\n"Mr1', max_size=400), st.integers(1, 50))
def test_the_pieces_are_the_text_however_it_comes(text: str, step: int) -> None:
    assert "".join(split(text, step)) == text
    assert all(split(text, step)) or text == ""
