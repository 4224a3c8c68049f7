"""Where the fields of an event are, in the frames of servers that put them elsewhere."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec

from duologue.protocol.mending import Unreadable, mend
from duologue.protocol.server_events import ErrorEvent, ServerEvent

_PLACES_OF_ERRORS: Final = ("error", "error_event")
_WORDS_OF_ERRORS: Final = ("detail", "description", "title")
"""Where servers put what went wrong, if they have no `message`."""


def fields_of(
    event_type: type[ServerEvent], data: dict[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of an event, and what is unusual about their place.

    Fields that are not in the inner object are taken from beside `type`, if they are there.

    Raises:
        Unreadable: there are none.
    """
    inner = _inner(data.get(event_type.INNER or ""))
    beside = {
        name: data[name]
        for name in _names(event_type)
        if data.get(name) is not None
        and name not in ("type", event_type.INNER)
        and (inner is None or inner.get(name) is None)
    }
    if inner is None and not beside and not event_type.INNER_MAY_BE_MISSING:
        raise Unreadable(_why(event_type, data))
    fields = {**(inner or {}), **beside}
    if beside:
        named = ", ".join(f"`{name}`" for name in beside)
        return fields, (f"{named} came beside `type`, not in `{event_type.INNER}`",)
    if inner is None and data.get(event_type.INNER or "") is not None:
        return fields, (f"{_why(event_type, data)}; it counts as missing",)
    return fields, ()


def open_event_of(
    event_type: type[ServerEvent], data: dict[str, Any]
) -> tuple[ServerEvent, tuple[str, ...]]:
    """An event whose fields nobody knows beforehand: all that there are, in it or beside `type`.

    Raises:
        Unreadable: it needs an inner object, and has none.
    """
    inner = _inner(data.get(event_type.INNER or ""))
    if inner is None and not event_type.INNER_MAY_BE_MISSING:
        raise Unreadable(_why(event_type, data))
    beside = {name: data[name] for name in data if name not in ("type", event_type.INNER)}
    if not event_type.INNER_MAY_BE_MISSING:
        beside = {}
    notes = (f"fields came beside `type`: {_listed(beside)}",) if beside else ()
    assert event_type.OPEN is not None
    return event_type(**{event_type.OPEN: {**beside, **(inner or {})}}), notes


def error_of(data: dict[str, Any]) -> tuple[ErrorEvent, tuple[str, ...]]:
    """An error, whose fields may be anywhere and of any type; nothing of it is lost.

    The fields stand in `error_event`, in `error`, or beside `type`; or one of the two is a text.
    """
    fields = {name: value for name, value in data.items() if name not in _PLACES_OF_ERRORS}
    fields.pop("type", None)
    notes = [f"the error's fields came beside `type`: {_listed(fields)}"] if fields else []
    for place in _PLACES_OF_ERRORS:
        said = data.get(place)
        if said is None:
            continue
        inner = _inner(said)
        if inner is None:
            inner = {"message": said}
        if inner is not said or place != ErrorEvent.INNER:
            notes.append(f"the error came as `{place}`: {type(said).__name__}")
        fields |= {name: value for name, value in inner.items() if _says_more(name, value, fields)}
    event, more = _error(fields)
    return event, (*notes, *more)


def _error(fields: dict[str, Any]) -> tuple[ErrorEvent, tuple[str, ...]]:
    if fields.get("error_type") is None and "type" in fields:
        fields["error_type"] = fields.pop("type")
    known = {name: fields[name] for name in _names(ErrorEvent) if name in fields}
    event, notes = mend(ErrorEvent, known, at=f"$.{ErrorEvent.INNER}")
    other = {
        name: value
        for name, value in fields.items()
        if name not in known or (value is not None and getattr(event, name) is None)
    }
    message = event.message or next(
        (other[name] for name in _WORDS_OF_ERRORS if isinstance(other.get(name), str)),
        event.message,
    )
    return msgspec.structs.replace(event, message=message, other=other), notes


def _says_more(name: str, value: Any, fields: dict[str, Any]) -> bool:
    return value is not None or name not in fields


def _inner(value: Any) -> dict[str, Any] | None:
    """The object that a value is, or that it holds as text."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = msgspec.json.decode(value)
    return value if isinstance(value, dict) else None


@functools.cache
def _names(event_type: type[ServerEvent]) -> tuple[str, ...]:
    """The names on the wire, of those fields that are on the wire."""
    return tuple(
        field.encode_name for field in msgspec.structs.fields(event_type) if field.name != "other"
    )


def _why(event_type: type[ServerEvent], data: dict[str, Any]) -> str:
    if event_type.INNER not in data:
        return f"`{event_type.INNER}` is missing"
    came = data[event_type.INNER]
    return f"`$.{event_type.INNER}`: an object was expected, and {reprlib.repr(came)} came"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(reprlib.repr(name) for name in names)
