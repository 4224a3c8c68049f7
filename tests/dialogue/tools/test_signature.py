from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.tools.signature import Arguments, ToolSignature, WrongParameters
from duologue.protocol.mending import whole_number_in


@dataclass
class Place:
    city: str
    country: str = "FR"


def get_weather(city: str, days: int = 1) -> str:
    return f"{city} {days}"


def find(place: Place, radius_km: float, *, tags: list[str] | None = None) -> None: ...


def typed_whole(place: Place, /) -> None: ...


def nothing() -> None: ...


def others(city: str, **counts: int) -> None: ...


class Weather:
    def forecast(self, city: str) -> None: ...

    def __call__(self, days: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "sent", "arguments"),
    [
        (get_weather, {"city": "Lyon"}, Arguments(by_name={"city": "Lyon"})),
        (get_weather, {"days": 2, "city": "Lyon"}, Arguments(by_name={"city": "Lyon", "days": 2})),
        (
            find,
            {"place": {"city": "Lyon"}, "radius_km": 3, "tags": ["quiet"]},
            Arguments(by_name={"place": Place("Lyon"), "radius_km": 3.0, "tags": ["quiet"]}),
        ),
        (lambda parameters: None, {"city": "Lyon"}, Arguments(positional=({"city": "Lyon"},))),
        (lambda *all_of_it: None, {"city": "Lyon"}, Arguments(positional=({"city": "Lyon"},))),
        (typed_whole, {"city": "Lyon"}, Arguments(positional=(Place("Lyon"),))),
        (lambda first, second=2: None, {"first": [None]}, Arguments(by_name={"first": [None]})),
        (nothing, {"city": "Lyon"}, Arguments()),
        (
            others,
            {"city": "Lyon", "parks": 4},
            Arguments(by_name={"city": "Lyon", "parks": 4}),
        ),
        (Weather().forecast, {"city": "Lyon"}, Arguments(by_name={"city": "Lyon"})),
        (Weather(), {"days": 3}, Arguments(by_name={"days": 3})),
        (partial(get_weather, days=3), {"city": "Lyon"}, Arguments(by_name={"city": "Lyon"})),
        (
            get_weather,
            {"city": "Lyon", "days": 2.0},
            Arguments(by_name={"city": "Lyon", "days": 2}),
        ),
        (
            get_weather,
            {"city": "Lyon", "days": "2"},
            Arguments(by_name={"city": "Lyon", "days": 2}),
        ),
        (get_weather, {"city": "Lyon", "days": None}, Arguments(by_name={"city": "Lyon"})),
        (
            find,
            {"place": {"city": "Lyon"}, "radius_km": "1.5", "tags": None},
            Arguments(by_name={"place": Place("Lyon"), "radius_km": 1.5, "tags": None}),
        ),
        (others, {"city": "Lyon", "parks": "4"}, Arguments(by_name={"city": "Lyon", "parks": 4})),
        (dict, {"city": "Lyon"}, Arguments(positional=({"city": "Lyon"},))),
    ],
)
def test_a_function_gets_what_its_signature_asks_for(
    function: Callable[..., object], sent: dict[str, Any], arguments: Arguments
) -> None:
    assert ToolSignature(function).arguments(sent) == arguments


@pytest.mark.parametrize(
    ("function", "sent", "sentence"),
    [
        (get_weather, {}, "the parameter 'city' is missing"),
        (
            get_weather,
            {"city": "Lyon", "town": "Lyon"},
            "there is no parameter 'town'; there are 'city', 'days'",
        ),
        (get_weather, {"city": None}, "the parameter 'city' is wrong: Expected `str`, got `null`"),
        (get_weather, {"city": "Lyon", "days": 2.5}, "the parameter 'days' is wrong: Expected"),
        (get_weather, {"city": "Lyon", "days": True}, "the parameter 'days' is wrong: Expected"),
        (get_weather, {"city": 7}, "the parameter 'city' is wrong: Expected `str`, got `int`"),
        (get_weather, {"city": "Lyon", "days": "two"}, "the parameter 'days' is wrong: Expected"),
        (find, {"place": {}, "radius_km": 1}, "the parameter 'place' is wrong: Object missing"),
        (typed_whole, {"city": 7}, "the parameter 'place' is wrong: Expected `str`"),
        (others, {"city": "Lyon", "parks": "4.5"}, "the parameter 'parks' is wrong: Expected"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(
    function: Callable[..., object], sent: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(WrongParameters) as raised:
        ToolSignature(function).arguments(sent)
    assert str(raised.value).startswith(sentence)


def positional(first: int, /, second: int) -> None: ...


def not_understood(city: str, when: int | list[int] | tuple[int, ...]) -> None: ...


def not_known(city: str) -> None: ...


not_known.__annotations__["city"] = "NoSuchType"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (positional, "'first' is positional-only"),
        (not_understood, "annotation of the parameter 'when' cannot be validated"),
        (not_known, "NoSuchType"),
    ],
)
def test_a_function_that_no_agent_could_call_is_refused(
    function: Callable[..., object], sentence: str
) -> None:
    with pytest.raises(TypeError, match=sentence):
        ToolSignature(function)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def is_whole(value: object) -> bool:
    return not isinstance(value, bool) and whole_number_in(value) is not None


@given(st.dictionaries(st.sampled_from(["city", "days", "town"]), JSON))
def test_whatever_is_sent_either_fits_or_is_refused(sent: dict[str, Any]) -> None:
    fits = (
        isinstance(sent.get("city"), str)
        and (sent.get("days") is None or is_whole(sent["days"]))
        and "town" not in sent
    )
    try:
        arguments = ToolSignature(get_weather).arguments(sent)
    except WrongParameters:
        assert not fits
    else:
        assert fits
        get_weather(*arguments.positional, **arguments.by_name)
