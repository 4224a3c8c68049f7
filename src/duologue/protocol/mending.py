"""Reading messages that are not quite as the contract says.

Servers and clients that are not ours write a number as text, null for an empty list, or leave out
what nobody misses. What can be understood is used, and a note says what was put right:

- A value of a neighbouring type is taken for what it says: `"7"` and `7.0` for 7, `7` for `"7"`,
  `"true"` and 1 for true, an object written as text for that object, and base64 with line breaks,
  in the URL alphabet or without its padding for the bytes it stands for.
- A field that may be missing and cannot be understood counts as missing, unless a guess could do
  harm: a tool must not be called without the parameters that were meant for it.
- In a list of objects, one that cannot be understood is left out. A list of plain values is
  understood whole or not at all, because their places matter.

What is essential has no default in its type. Without it a message is `Unreadable`.
"""

from __future__ import annotations

import base64
import functools
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import NODEFAULT, inspect

NOTES_LIMIT: Final = 20
"""How many notes of one message are kept: a list of a million wrong numbers needs no more."""

_NUMBER: Final = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?")
_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_BASE64_OF_URLS: Final = str.maketrans("-_", "+/")

_Message = TypeVar("_Message", bound=msgspec.Struct)


class Unreadable(ValueError):
    """A value cannot be understood; the sentence says where, what was expected and what came."""


def mend(
    message_type: type[_Message],
    fields: Mapping[str, Any],
    *,
    at: str = "$",
    not_to_be_guessed: Sequence[str] = (),
) -> tuple[_Message, tuple[str, ...]]:
    """Make a message of its fields, and say what had to be put right for it.

    Args:
        message_type: what is wanted.
        fields: as they came, decoded from JSON.
        at: where they were in the frame, for sentences.
        not_to_be_guessed: fields that make the message unreadable where they are.

    Raises:
        Unreadable: something essential is missing, or cannot be understood.
    """
    mender = _Mender(frozenset(not_to_be_guessed))
    message: _Message = mender.struct(_struct_type(message_type), fields, at)
    return message, tuple(mender.notes)


def lacks_expected(message: msgspec.Struct) -> bool:
    """True if a field that the contract requires may have been missing; then `mend` knows more."""
    for name, otherwise in _expected_fields(type(message)):  # a generator would take twice as long
        if otherwise is not None or getattr(message, name) is None:
            return True
    return False


@functools.cache
def _struct_type(message_type: type[msgspec.Struct]) -> inspect.StructType:
    found = inspect.type_info(message_type)
    assert isinstance(found, inspect.StructType)
    return found


@functools.cache
def _expected_fields(message_type: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (field.name, field.default_factory())
        for field in msgspec.structs.fields(message_type)
        if _is_expected(field.default_factory)
    )


def _is_expected(default_factory: Any) -> bool:
    """True of a field made by `fields.expected`."""
    return default_factory not in (NODEFAULT, dict)


class _Mender:
    """Reads one message.

    Attributes:
        notes: what was put right until now.
    """

    def __init__(self, not_to_be_guessed: frozenset[str]) -> None:
        self._not_to_be_guessed = not_to_be_guessed
        self.notes: list[str] = []

    def struct(self, wanted: inspect.StructType, value: Any, at: str) -> Any:
        fields = _object(value, at, self._note)
        values: dict[str, Any] = {}
        for field in wanted.fields:
            place = f"{at}.{field.encode_name}"
            given = fields.get(field.encode_name)
            is_null = given is None and field.encode_name in fields
            if given is not None or (is_null and _means_null(field)):
                self._read_field(field, given, place, values)
            elif field.required:
                raise Unreadable(
                    f"`{place}` is null"
                    if is_null
                    else f"`{field.encode_name}` is missing in `{at}`"
                )
            elif _is_expected(field.default_factory):
                self._note(f"`{place}` is {'null' if is_null else 'missing'}")
        return wanted.cls(**values)

    def _read_field(
        self, field: inspect.Field, given: Any, place: str, values: dict[str, Any]
    ) -> None:
        try:
            values[field.name] = self.value(field.type, given, place)
        except Unreadable as error:
            if field.required or field.name in self._not_to_be_guessed:
                raise
            self._note(f"{error}; it counts as missing")

    def value(self, wanted: inspect.Type, value: Any, at: str) -> Any:
        """What a value says, if it is or can be taken for what is wanted."""
        match wanted:
            case inspect.UnionType():
                return self._one_of(wanted.types, value, at)
            case inspect.StructType():
                return self.struct(wanted, value, at)
            case inspect.ListType():
                return self._list(wanted.item_type, value, at)
            case inspect.DictType():
                return _object(value, at, self._note)
            case inspect.LiteralType() if value in wanted.values:
                return value
            case inspect.BytesType():
                return self._bytes(value, at)
            case _:
                return self._scalar(wanted, value, at)

    def _one_of(self, wanted: Sequence[inspect.Type], value: Any, at: str) -> Any:
        if any(_is(kind, value) for kind in wanted):
            return value
        reasons = []
        for kind in wanted:
            if isinstance(kind, inspect.NoneType):
                continue
            try:
                return self.value(kind, value, at)
            except Unreadable as error:
                reasons.append(error)
        raise reasons[0]

    def _list(self, item: inspect.Type, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(at, "a list", value)
        if not isinstance(item, inspect.StructType):
            return [self.value(item, one, f"{at}[...]") for one in value]
        understood = []
        for one in value:
            try:
                understood.append(self.struct(item, one, f"{at}[...]"))
            except Unreadable as error:
                self._note(f"{error}; it is left out")
        return understood

    def _scalar(self, wanted: inspect.Type, value: Any, at: str) -> Any:
        if _is(wanted, value):
            return value
        expected, read = _SCALARS.get(type(wanted), (_values_of(wanted), _nothing))
        understood = read(value)
        if understood is None:
            raise _wrong(at, expected, value)
        if not isinstance(value, int) or not isinstance(understood, float):
            self._note(f"`{at}`: {expected} was expected, and {reprlib.repr(value)} came")
        return understood

    def _bytes(self, value: Any, at: str) -> bytes:
        if not isinstance(value, str):
            raise _wrong(at, "base64", value)
        plain = _base64_of(value)
        try:
            understood = base64.b64decode(plain, validate=True)
        except ValueError:
            raise _wrong(at, "base64", value) from None
        if plain != value:
            self._note(f"`{at}`: the base64 came with line breaks, without padding, or as in URLs")
        return understood

    def _note(self, note: str) -> None:
        if len(self.notes) < NOTES_LIMIT and note not in self.notes:
            self.notes.append(note)


def _object(value: Any, at: str, note: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            read = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            raise _wrong(at, "an object", value) from None
        note(f"`{at}`: an object was expected, and a text came that holds one")
        return dict(read)
    raise _wrong(at, "an object", value)


def _means_null(field: inspect.Field) -> bool:
    """True if null is a value like others in this field."""
    return isinstance(field.type, inspect.AnyType) or (field.required and _is(field.type, None))


def _is(wanted: inspect.Type, value: Any) -> bool:
    """True if a value is what is wanted, as it is."""
    match wanted:
        case inspect.UnionType():
            return any(_is(kind, value) for kind in wanted.types)
        case inspect.AnyType():
            return True
        case inspect.NoneType():
            return value is None
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, float)
        case _:
            return False


def whole_number_in(value: Any) -> int | None:
    """The whole number that a number or a text is exactly; None if it is none."""
    if isinstance(value, str):
        text = value.strip()
        if text.lstrip("+-").isdecimal() and _NUMBER.fullmatch(text):
            return int(text)
    number = number_in(value)
    return int(number) if number is not None and number.is_integer() else None


def number_in(value: Any) -> float | None:
    """The finite number that a number or a text is; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = float(text) if _NUMBER.fullmatch(text) else None
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _base64_of(text: str) -> str:
    """The form that RFC 4648, section 4, gives it."""
    plain = "".join(text.split()).translate(_BASE64_OF_URLS).rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def _values_of(wanted: inspect.Type) -> str:
    if isinstance(wanted, inspect.LiteralType):
        return f"one of {', '.join(map(repr, wanted.values))}"
    return "something else"


def _nothing(value: Any) -> None:
    return None


_SCALARS: Final[dict[type[inspect.Type], tuple[str, Any]]] = {
    inspect.IntType: ("a whole number", whole_number_in),
    inspect.FloatType: ("a number", number_in),
    inspect.StrType: ("text", _text),
    inspect.BoolType: ("true or false", _truth),
}


def _wrong(at: str, expected: str, value: Any) -> Unreadable:
    return Unreadable(f"`{at}`: {expected} was expected, and {reprlib.repr(value)} came")
