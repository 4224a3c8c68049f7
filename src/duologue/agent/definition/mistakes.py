"""What is wrong with an agent's definition, as sentences: where, what came, what was expected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path = tuple[int | str, ...]
"""Keys and list positions from the top of a definition down to a value."""

EXPECTATIONS: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "one of {expected}",
    "model_type": "a mapping",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""What was expected, by pydantic's type of the error; filled from the error's context."""

SECRET_KEYS: Final = frozenset({"api_key", "request_headers"})
KEY_ITSELF: Final = "[key]"
"""The last step of pydantic's path when not a value but its key is wrong."""

SHOWN_CHARACTERS: Final = 60


def mistakes_of(
    error: ValidationError,
    schema: type[BaseModel],
    more_keys_at: Callable[[Path], Collection[str]] = lambda path: (),
) -> Iterator[tuple[Path, str]]:
    """One path and sentence for each thing that is wrong, in the order of the schema.

    The path of an unknown key is that key's own, the path of a missing one is its parent's.
    `more_keys_at` knows keys besides those of the schema.
    """
    for details in error.errors(include_url=False):
        path = details["loc"]
        if details["type"] == "missing":
            yield path[:-1], f"{dotted(path)} is missing"
        elif details["type"] == "extra_forbidden":
            yield path, unknown_key(path, _keys_at(path[:-1], schema), more_keys_at(path[:-1]))
        else:
            yield path, _wrong_value(path, details)


def dotted(path: Path) -> str:
    """A path as people write it: `tools[0].name`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def shown(value: object) -> str:
    """A value for a sentence, the way YAML writes it, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def unknown_key(path: Path, known: Collection[str], more: Collection[str] = ()) -> str:
    """The sentence about a key that does not exist.

    Args:
        path: that of the key.
        known: the keys that exist there.
        more: others that the key may have been meant for.
    """
    nearest = get_close_matches(str(path[-1]), [*known, *more], n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"the keys here are {', '.join(known)}"
    return f"{dotted(path)} is not a known key; {hint}"


def _keys_at(path: Path, schema: type[BaseModel]) -> list[str]:
    model = schema
    for step in path:
        if isinstance(step, str):
            inner = model_in(model.model_fields[step].annotation)
            assert inner is not None
            model = inner
    return list(model.model_fields)


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The one model inside an annotation such as `Tool`, `Tool | None` or `tuple[Tool, ...]`."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _wrong_value(path: Path, details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return f"{dotted(path)}: {context['error']}"
    if details["type"] not in EXPECTATIONS:
        return f"{dotted(path)}: {details['msg']}"
    expected = EXPECTATIONS[details["type"]].format(**context)
    if path[-1] == KEY_ITSELF:
        path, expected = path[:-1], f"{expected} as the key"
    came = "something else" if SECRET_KEYS.intersection(path) else shown(details["input"])
    return f"{dotted(path)}: expected {expected}, but {came} came"
