from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.tools.numbers import with_numbers


@dataclass
class Room:
    number: int
    area_m2: float = 12.5
    name: str = "room"
    floor: int | None = 1


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Box(TypedDict, total=False):
    count: int


def read(annotation: Any, value: Any) -> Any:
    """What a tool gets of a value."""
    wanted = msgspec.inspect.type_info(annotation)
    return msgspec.convert(with_numbers(wanted, value), annotation)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 5.0, 5),
        (int, "5", 5),
        (int, " -5 ", -5),
        (int, "5.0", 5),
        (float, "1.5", 1.5),
        (float, "1e3", 1000.0),
        (float, 2, 2.0),
        (int | None, "5", 5),
        (int | None, None, None),
        (int | str, "5", "5"),
        (int | float, 5.0, 5.0),
        (list[int], [1.0, "2", 3], [1, 2, 3]),
        (set[int], ["1", 2.0], {1, 2}),
        (tuple[int, ...], ["1"], (1,)),
        (tuple[int, str], ["1", "1"], (1, "1")),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Literal[1, 2], "2", 2),
        (Literal["1"], "1", "1"),
        (Room, {"number": "7", "area_m2": "20"}, Room(7, 20.0)),
        (Room, {"number": 7.0, "area_m2": None, "floor": None}, Room(7, floor=None)),
        (list[Room], [{"number": "7"}], [Room(7)]),
        (Point, ["1", "2"], Point(1, 2.0)),
        (Box, {"count": "3"}, {"count": 3}),
        (Any, "5", "5"),
        (str, "5", "5"),
    ],
)
def test_what_is_exactly_a_number_is_one_where_one_is_wanted(
    annotation: Any, value: Any, expected: Any
) -> None:
    result = read(annotation, value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 5.5),
        (int, "5.5"),
        (int, "five"),
        (int, ""),
        (int, "0x5"),
        (int, True),
        (int, None),
        (int, [5]),
        (float, "nan"),
        (float, "9007199254740993"),
        (float, False),
        (str, 5),
        (bool, 1),
        (bool, "true"),
        (Literal[1, 2], "3"),
        (Room, {"number": None}),
        (list[int], "5"),
    ],
)
def test_anything_else_is_refused(annotation: Any, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(annotation, value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_as_text(number: float) -> None:
    assert read(type(number), repr(number)) == number
