from __future__ import annotations

import pytest

from duologue.agent.speech.thinking.tokens import estimated_tokens, instructions_fit


def test_numbers_and_other_scripts_count_for_more_than_words() -> None:
    assert estimated_tokens("one cat ran") == 3
    assert estimated_tokens("it is 1,234") == 8
    assert estimated_tokens("日本") == 6


@pytest.mark.parametrize(("words", "fits"), [(0, True), (60, True), (80, False)])
def test_instructions_leave_a_quarter_for_the_conversation(words: int, fits: bool) -> None:
    assert instructions_fit("be " * words, 100) is fits
