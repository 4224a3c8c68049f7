from __future__ import annotations

from typing import TypedDict

import pytest

from duologue.conversation.options.reading import (
    contradiction,
    did_you_mean,
    flag,
    mapping,
    members,
    optional_text,
    seconds,
    text,
)


class Colours(TypedDict, total=False):
    first_colour: str
    second_colour: str


def test_a_text_comes_back_as_it_is() -> None:
    assert text({"name": " a "}, "name") == " a "
    assert optional_text({"name": "a"}, "name") == "a"
    assert optional_text({}, "name") is None


def test_a_text_that_is_none_is_not_shown() -> None:
    with pytest.raises(ValueError, match="name is empty"):
        text({"name": " \n"}, "name")
    with pytest.raises(TypeError, match="name must be a string, not bytes") as raised:
        text({"name": b"secret"}, "name")
    assert "secret" not in str(raised.value)


def test_a_mapping_that_is_left_out_is_empty() -> None:
    assert mapping({}, "name") == {}
    with pytest.raises(TypeError, match="name must be a mapping, not list"):
        mapping({"name": []}, "name")


@pytest.mark.parametrize("value", [0, 1, "yes", []])
def test_a_flag_is_true_or_false_and_nothing_like_it(value: object) -> None:
    with pytest.raises(TypeError, match="name must be True or False"):
        flag({"name": value}, "name", True)


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_has_a_default(default: bool) -> None:
    assert flag({}, "name", default) is default
    assert flag({"name": not default}, "name", default) is not default


def test_zero_seconds_are_allowed_only_where_they_mean_something() -> None:
    assert seconds({"name": 0}, "name", 1, may_be_zero=True) == 0
    with pytest.raises(ValueError, match="positive number of seconds, not 0"):
        seconds({"name": 0}, "name", 1)


def test_members_that_are_none_are_left_out() -> None:
    assert members("colours", {"first_colour": "", "second_colour": None}, Colours) == {
        "first_colour": ""
    }


@pytest.mark.parametrize(
    ("member", "hint"),
    [
        ("first_color", "did you mean 'first_colour'?"),
        ("firstColour", "did you mean 'first_colour'?"),
        ("xyz", "expected some of first_colour, second_colour"),
        (7, "expected some of first_colour, second_colour"),
    ],
)
def test_a_member_that_does_not_exist_is_told_with_the_nearest(member: str, hint: str) -> None:
    with pytest.raises(ValueError, match="colours has no") as raised:
        members("colours", {member: None}, Colours)
    assert hint in str(raised.value)


def test_what_is_far_from_everything_gets_no_hint() -> None:
    assert did_you_mean("xyz", ["first_colour"]) == ""


def test_a_contradiction_names_both_and_says_what_to_do() -> None:
    assert str(contradiction("a", "b", "leave one out")) == (
        "a and b contradict each other: leave one out"
    )
