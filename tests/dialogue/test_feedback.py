from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.actions import Report
from duologue.dialogue.feedback import Ratings
from duologue.errors import FeedbackUnavailable
from duologue.protocol.client_messages import Feedback

CAN = [Report.of("on_can_send_feedback_change", True)]
CANNOT = [Report.of("on_can_send_feedback_change", False)]


def rate(ratings: Ratings, like: bool | None, event_id: int | None = None) -> Feedback:
    message = ratings.message(like, event_id)
    ratings.sent(message)
    return message


def test_there_is_nothing_to_rate_before_a_response() -> None:
    ratings = Ratings()
    assert not ratings.available
    with pytest.raises(FeedbackUnavailable, match="no response to rate yet"):
        ratings.message(True, None)


def test_a_response_is_rated_once() -> None:
    ratings = Ratings()
    assert ratings.responded(4) == CAN
    assert rate(ratings, True) == Feedback(event_id=4, score="like")
    assert ratings.changes() == CANNOT
    assert ratings.responded(4) == [], "more of the same response"
    with pytest.raises(FeedbackUnavailable, match="rated already"):
        ratings.message(False, None)


def test_the_next_response_is_rated_anew() -> None:
    ratings = Ratings()
    ratings.responded(4)
    rate(ratings, False)
    ratings.changes()
    assert ratings.responded(5) == CAN
    assert rate(ratings, False) == Feedback(event_id=5, score="dislike")


def test_late_sound_of_an_earlier_response_is_not_the_latest() -> None:
    ratings = Ratings()
    ratings.responded(5)
    ratings.responded(4)
    assert ratings.message(True, None).event_id == 5


def test_a_rating_that_was_not_sent_is_none() -> None:
    ratings = Ratings()
    ratings.responded(4)
    ratings.message(True, None)
    assert ratings.available


def test_any_response_can_be_rated_by_its_id_again_and_again() -> None:
    ratings = Ratings()
    assert rate(ratings, True, 0) == Feedback(event_id=0, score="like")
    ratings.responded(4)
    rate(ratings, True, 3)
    assert ratings.available, "another response was rated"
    rate(ratings, True, 4)
    assert not ratings.available
    assert rate(ratings, False, 4) == Feedback(event_id=4, score="dislike")


def test_a_rating_can_be_taken_back_and_given_again() -> None:
    ratings = Ratings()
    assert rate(ratings, None) == Feedback(event_id=1, score=None)
    ratings.responded(4)
    rate(ratings, True)
    assert rate(ratings, None) == Feedback(event_id=4, score=None)
    assert rate(ratings, False) == Feedback(event_id=4, score="dislike")


def test_nothing_can_be_rated_after_the_end() -> None:
    ratings = Ratings()
    ratings.responded(4)
    assert ratings.close() == CANNOT
    assert ratings.close() == []
    assert not ratings.available


@given(st.lists(st.integers(0, 4) | st.sampled_from(["like", "clear", "close"]), max_size=30))
def test_reports_alternate_and_the_last_says_what_is(happenings: list[int | str]) -> None:
    ratings = Ratings()
    reports = [False]
    for happening in happenings:
        if isinstance(happening, int):
            happened = ratings.responded(happening)
        elif happening == "close":
            happened = ratings.close()
        elif happening == "like" and not ratings.available:
            with pytest.raises(FeedbackUnavailable):
                ratings.message(True, None)
            continue
        else:
            rate(ratings, True if happening == "like" else None)
            happened = ratings.changes()
        reports += [report.arguments == (True,) for report in happened]
        assert reports[-1] is ratings.available
    assert all(one is not following for one, following in pairwise(reports))
