"""Reading a caller's options one by one: whether each has the kind and the range that it needs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

Options: TypeAlias = Mapping[str, Any]


def text(options: Options, name: str) -> str:
    """A string that is not blank. What is wrong is not shown, since it may be a secret."""
    value = options[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} is empty")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} has half a surrogate pair, which cannot be sent; remove it")
    return value


def optional_text(options: Options, name: str) -> str | None:
    """As `text`; None if it was left out."""
    return text(options, name) if name in options else None


def environment_of(options: Options) -> dict[str, str]:
    """The option `environment`, as an argument to hand on; nothing if it was left out."""
    return {"environment": text(options, "environment")} if "environment" in options else {}


def mapping(options: Options, name: str) -> Mapping[str, Any]:
    """A mapping; an empty one if it was left out."""
    value = options.get(name, {})
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return value


def flag(options: Options, name: str, default: bool) -> bool:
    """True or False."""
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def seconds(options: Options, name: str, default: float, *, may_be_zero: bool = False) -> float:
    """A finite duration in seconds, above 0 unless it may be zero."""
    value = options.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if may_be_zero and not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number of seconds from 0 on, not {value}")
    if not may_be_zero and not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a positive number of seconds, not {value}")
    return float(value)


def members(name: str, value: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The members of a mapping that are not None, if all are among those of a `TypedDict`."""
    for member in value:
        if member not in kind.__annotations__:
            expected = f"; expected some of {', '.join(kind.__annotations__)}"
            hint = did_you_mean(member, kind.__annotations__) or expected
            raise ValueError(f"{name} has no {member!r}{hint}")
    return {member: inner for member, inner in value.items() if inner is not None}


def check_json(name: str, value: object) -> None:
    """See whether a value can be sent as it is.

    Raises:
        TypeError: something in it is of a type that JSON lacks.
        ValueError: something in it is no finite number, half a surrogate pair, or endlessly nested.
    """
    try:
        plain = msgspec.to_builtins(value)
        json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"{name} must be JSON, but something in it is not: {error}"
        ) from None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a sentence about a name that does not exist; empty if no other is near it."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def contradiction(first: str, second: str, advice: str) -> ValueError:
    """The error of two options that do not go together."""
    return ValueError(f"{first} and {second} contradict each other: {advice}")
