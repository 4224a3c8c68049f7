"""Values for any message type, made from the type's own annotations."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import strategies as st

Instances: TypeAlias = Callable[[Any], st.SearchStrategy[Any]]

# JSON has no NaN, no infinities, and no halves of surrogate pairs.
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    Any: JSON,
    bool: st.booleans(),
    bytes: st.binary(max_size=50),
    float: NUMBERS,
    int: st.integers(),
    str: TEXT,
    type(None): st.none(),
    msgspec.UnsetType: st.just(msgspec.UNSET),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value that an annotation allows."""
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values_of, arguments))
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(*map(values_of, arguments), max_size=3)
    fields = msgspec.structs.fields(annotation)
    return st.builds(annotation, **{field.name: values_of(field.type) for field in fields})


@pytest.fixture(scope="session")
def instances() -> Instances:
    """A function from a message type to a strategy for its values."""
    return values_of
