from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.heard import RESPONSES_LIMIT, Heard
from duologue.protocol.server_events import Alignment


def evenly(text: str, duration_ms: float) -> Alignment:
    """Every character takes the same time, all of it together `duration_ms`."""
    each_ms = duration_ms / len(text)
    return Alignment(
        chars=list(text),
        char_start_times_ms=[each_ms * index for index in range(len(text))],
        char_durations_ms=[each_ms] * len(text),
    )


def played(**of_event: float) -> Callable[[int], float]:
    """`played(e1=100)`: 100 ms of event 1 were played, and nothing of any other."""
    return lambda event_id: of_event.get(f"e{event_id}", 0.0)


def test_before_any_sound_nothing_has_been_heard() -> None:
    heard = Heard()
    assert heard.until_now(played()) == ""
    heard.written(1, "Hello.")
    assert heard.until_now(played()) == ""


@pytest.mark.parametrize(
    ("played_ms", "text"),
    [(99, ""), (100, "H"), (499, "Hell"), (500, "Hello"), (998, "Hello you"), (1000, "Hello you.")],
)
def test_a_character_has_been_heard_once_it_was_spoken_in_full(played_ms: int, text: str) -> None:
    heard = Heard()
    heard.sound(1, 1000, evenly("Hello you.", 1000))
    assert heard.until_now(played(e1=played_ms)) == text


def test_the_times_of_each_piece_of_sound_begin_where_it_begins() -> None:
    heard = Heard()
    heard.sound(1, 500, evenly("Hello", 500))
    heard.sound(1, 300, None)  # a pause
    heard.sound(1, 500, evenly(" you.", 500))
    assert heard.until_now(played(e1=750)) == "Hello"
    assert heard.until_now(played(e1=1000)) == "Hello y"
    assert heard.until_now(played(e1=1300)) == "Hello you."


def test_all_has_been_heard_once_the_sound_is_over_whatever_is_said_of_its_end() -> None:
    heard = Heard()
    heard.sound(1, 500, evenly("Hello", 620))
    assert heard.until_now(played(e1=498)) == "Hell"
    assert heard.until_now(played(e1=499.9)) == "Hello"  # resampled, it was a sample shorter


def test_lists_of_unequal_length_are_read_up_to_the_shortest() -> None:
    heard = Heard()
    alignment = Alignment(
        chars=["a", "b", "c"], char_start_times_ms=[0, 10], char_durations_ms=[10, 10, 10]
    )
    heard.sound(1, 30, alignment)
    assert heard.until_now(played(e1=30)) == "ab"


def test_times_out_of_order_leave_the_words_in_theirs() -> None:
    heard = Heard()
    alignment = Alignment(
        chars=["a", "b", "c"], char_start_times_ms=[40, -90, 70], char_durations_ms=[10, 0, 10]
    )
    heard.sound(1, 100, alignment)
    assert [heard.until_now(played(e1=ms)) for ms in (49, 50, 79, 80)] == ["", "ab", "ab", "abc"]


def test_without_times_the_share_of_the_sound_is_the_share_of_the_text() -> None:
    heard = Heard()
    heard.sound(1, 1000, None)
    assert heard.until_now(played(e1=500)) == ""  # the text has not come yet
    heard.written(1, "Hello you.")
    assert heard.until_now(played(e1=500)) == "Hello"
    assert heard.until_now(played(e1=999.5)) == "Hello you."


def test_the_text_may_come_before_the_sound() -> None:
    heard = Heard()
    heard.written(1, "Hello you.")
    heard.sound(1, 500, None)
    heard.sound(1, 500, None)
    assert heard.until_now(played(e1=900)) == "Hello you"


def test_the_times_of_characters_count_more_than_the_text() -> None:
    heard = Heard()
    heard.written(1, "It is 5.")
    heard.sound(1, 1000, evenly("It is five.", 1000))
    assert heard.until_now(played(e1=1000)) == "It is five."


def test_white_space_around_what_was_heard_is_left_out() -> None:
    heard = Heard()
    heard.sound(1, 700, evenly(" Hello ", 700))
    assert heard.until_now(played(e1=700)) == "Hello"


def test_a_response_gives_way_when_the_next_begins_to_be_played() -> None:
    heard = Heard()
    heard.sound(1, 500, evenly("First", 500))
    heard.sound(2, 600, evenly("Second", 600))
    assert heard.until_now(played(e1=500)) == "First"
    assert heard.until_now(played(e1=500, e2=50)) == ""
    assert heard.until_now(played(e1=500, e2=300)) == "Sec"


@pytest.mark.parametrize("alignment", [evenly("Hello you.", 1000), None])
def test_what_was_heard_before_an_interruption_stays(alignment: Alignment | None) -> None:
    heard = Heard()
    heard.written(1, "Hello you.")
    heard.sound(1, 1000, alignment)
    heard.interrupted(played(e1=500))
    assert heard.until_now(played(e1=508)) == "Hello"  # with the fade


def test_interrupted_before_its_first_character_nothing_was_heard() -> None:
    heard = Heard()
    heard.written(1, "Hello you.")
    heard.sound(1, 1000, evenly("Hello you.", 1000))
    heard.interrupted(played(e1=90))
    assert heard.until_now(played(e1=98)) == ""


def test_sound_of_the_same_response_after_an_interruption_goes_on_from_there() -> None:
    heard = Heard()
    heard.sound(1, 1000, evenly("abcdefghij", 1000))
    heard.interrupted(played(e1=300))
    heard.sound(1, 200, evenly("kl", 200))
    assert heard.until_now(played(e1=300)) == "abc"
    assert heard.until_now(played(e1=400)) == "abck"
    assert heard.until_now(played(e1=500)) == "abckl"


def test_a_response_that_was_dropped_before_it_began_is_not_heard_last() -> None:
    heard = Heard()
    heard.sound(1, 500, evenly("First", 500))
    heard.sound(2, 600, evenly("Second", 600))
    heard.interrupted(played(e1=200))
    assert heard.until_now(played(e1=208)) == "Fi"


def test_only_the_latest_responses_are_known() -> None:
    heard = Heard()
    for event_id in range(RESPONSES_LIMIT + 1):
        heard.sound(event_id, 100, evenly("a", 100))
    assert heard.until_now(played(e0=100)) == ""
    assert heard.until_now(played(e1=100)) == "a"


PIECES = st.lists(
    st.tuples(st.text("ab ", min_size=1, max_size=9), st.integers(1, 500), st.booleans()),
    min_size=1,
    max_size=8,
)


@given(PIECES, st.lists(st.floats(0, 5000), min_size=2, max_size=10))
def test_what_has_been_heard_only_grows_into_the_whole(
    pieces: list[tuple[str, int, bool]], moments: list[float]
) -> None:
    heard = Heard()
    for text, duration_ms, is_aligned in pieces:
        heard.sound(1, duration_ms, evenly(text, duration_ms) if is_aligned else None)
    total_ms = sum(duration_ms for _, duration_ms, _ in pieces)
    grown = [heard.until_now(played(e1=ms)) for ms in [*sorted(min(m, total_ms) for m in moments)]]
    whole = "".join(text for text, _, is_aligned in pieces if is_aligned).strip()
    for earlier, later in zip(grown, [*grown[1:], whole], strict=True):
        assert later.startswith(earlier)
    assert heard.until_now(played(e1=total_ms)) == whole
