"""Numbers as language models write them in a tool's parameters: `5.0` or `"5"` for 5.

Only what is exactly a number becomes one, where a number is wanted; and null is left out where
there is a default. Everything else stays as it is, for the validation to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import inspect

from duologue.protocol.mending import number_in, whole_number_in

_Fields = (
    inspect.StructType | inspect.DataclassType | inspect.TypedDictType | inspect.NamedTupleType
)


def with_numbers(wanted: inspect.Type, value: Any) -> Any:
    """A value with the numbers in it that are wanted there.

    Args:
        wanted: its type, as `msgspec.inspect.type_info` gives it.
        value: as it came, decoded from JSON.
    """
    match wanted:
        case inspect.IntType():
            return _whole(value)
        case inspect.FloatType():
            return _number(value)
        case inspect.LiteralType(values=values):
            whole = _whole(value)
            return whole if value not in values and whole in values else value
        case inspect.UnionType(types=types):
            return _one_of(types, value)
        case (
            inspect.ListType(item_type=item)
            | inspect.SetType(item_type=item)
            | inspect.FrozenSetType(item_type=item)
            | inspect.VarTupleType(item_type=item)
        ) if isinstance(value, list):
            return [with_numbers(item, one) for one in value]
        case inspect.TupleType(item_types=items) if isinstance(value, list):
            return [*map(with_numbers, items, value), *value[len(items) :]]
        case inspect.NamedTupleType(fields=fields) if isinstance(value, list):
            of_fields = [field.type for field in fields]
            return [*map(with_numbers, of_fields, value), *value[len(of_fields) :]]
        case inspect.DictType(value_type=inner) if isinstance(value, dict):
            return {key: with_numbers(inner, one) for key, one in value.items()}
        case (
            inspect.StructType()
            | inspect.DataclassType()
            | inspect.TypedDictType()
            | inspect.NamedTupleType()
        ) if isinstance(value, dict):
            return _fields(wanted, value)
        case _:
            return value


def allows_null(wanted: inspect.Type) -> bool:
    """True if null is a value like others."""
    if isinstance(wanted, inspect.UnionType):
        return any(map(allows_null, wanted.types))
    return isinstance(wanted, inspect.NoneType | inspect.AnyType)


def _one_of(types: Sequence[inspect.Type], value: Any) -> Any:
    if isinstance(value, str) and any(isinstance(one, inspect.StrType) for one in types):
        return value
    if isinstance(value, float) and any(isinstance(one, inspect.FloatType) for one in types):
        return value
    for one in types:
        read = with_numbers(one, value)
        if read is not value:
            return read
    return value


def _fields(wanted: _Fields, value: dict[str, Any]) -> dict[str, Any]:
    known = {field.encode_name: field for field in wanted.fields}
    return {
        name: with_numbers(known[name].type, one) if name in known else one
        for name, one in value.items()
        if not (
            one is None
            and name in known
            and not known[name].required
            and not allows_null(known[name].type)
        )
    }


def _whole(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    whole = whole_number_in(value)
    return value if whole is None else whole


def _number(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    number = number_in(value)
    if number is None:
        return value
    whole = whole_number_in(value)
    return value if whole is not None and whole != number else number
