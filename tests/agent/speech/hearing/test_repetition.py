import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.speech.hearing.repetition import is_repetitive, without_repetition


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello.",
        "No, no, no!",
        "What is the capital city of France, and how many people live there?",
        "I had had had it. That that is, is.",
    ],
)
def test_what_people_say_is_no_loop(text: str) -> None:
    assert not is_repetitive(text)
    assert without_repetition(text) == text


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("you you you you you", "you"),
        ("I know. I know, I know. I know", "I know."),
        ("Well, " + "thank you very much. " * 9, "Well, thank you very much."),
        ("a a a a b b b b end", "a b end"),
    ],
)
def test_a_loop_is_found_and_said_once(text: str, once: str) -> None:
    assert is_repetitive(text)
    assert without_repetition(text) == once


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_nothing_loops_in_what_is_left(words: list[str]) -> None:
    left = without_repetition(" ".join(words))
    assert without_repetition(left) == left
    assert "a a a a" not in left
