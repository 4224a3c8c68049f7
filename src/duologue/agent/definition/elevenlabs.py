"""What ElevenLabs' definitions have, and our agent does not act on.

Which keys there are is in `elevenlabs_keys.json`, which `scripts/elevenlabs_keys.py` has written
from the facts of their REST API.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final, get_args

from pydantic import BaseModel

from duologue.agent.definition.mistakes import Path, dotted, model_in, shown

ANYTHING: Final = "*"
"""As a key: of any name. As a schema: with any keys."""

ELSEWHERE: Final = (frozenset({"secret_id"}), frozenset({"env_var_label"}))
"""The keys of values that only ElevenLabs' own servers know."""

TYPES_OF_TOOLS: Final = frozenset(
    {"api_integration_webhook", "client", "mcp", "smb", "system", "webhook"}
)
"""The types of ElevenLabs' tools; of those that are not ours, the agent has none."""

Kinds = Sequence[str]
"""The schemas of ElevenLabs that a value may have."""


class Split:
    """A definition, taken apart.

    Attributes:
        content: what our agent acts on, mistakes included.
        without_effect: what it does not act on, as dotted names.
        unknown: the paths of keys within that, which nobody knows.
    """

    def __init__(self, content: Mapping[str, Any], schema: type[BaseModel]) -> None:
        self.without_effect: list[str] = []
        self.unknown: list[Path] = []
        self.content = self._ours(content, schema, _keys()["roots"], ())

    def _ours(
        self, value: Mapping[str, Any], schema: type[BaseModel], kinds: Kinds, at: Path
    ) -> dict[str, Any]:
        ours = {}
        for key, inner in value.items():
            path, below = (*at, key), kinds_below(kinds, key)
            field = schema.model_fields.get(key)
            if field is None and below is not None:
                self._ignore(path, inner, below)
            elif field is None:
                ours[key] = inner  # nobody has such a key, which is a mistake
            elif inner is not None:  # as their tools write what is not set
                kept = self._value(inner, model_in(field.annotation), below or (), path)
                if kept is not _LEFT_OUT:
                    ours[key] = kept
        return ours

    def _value(self, value: Any, model: type[BaseModel] | None, kinds: Kinds, at: Path) -> Any:
        if isinstance(value, Mapping) and frozenset(value) in ELSEWHERE:
            self.without_effect.append(dotted(at))
            return _LEFT_OUT
        if model is None:
            return self._plain(value, at)
        if isinstance(value, Mapping):
            return self._ours(value, model, kinds, at)
        if isinstance(value, list):
            return [
                self._value(item, model, kinds, (*at, position))
                for position, item in enumerate(value)
                if self._is_ours(item, model, (*at, position))
            ]
        return value

    def _plain(self, value: Any, at: Path) -> Any:
        """A value without a schema of ours: a mapping of its own, a list, a scalar."""
        if not isinstance(value, Mapping):
            return value
        kept = {key: self._value(inner, None, (), (*at, key)) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner is not _LEFT_OUT}

    def _is_ours(self, item: Any, model: type[BaseModel], at: Path) -> bool:
        """False of a tool of a type that our agent does not have."""
        field = model.model_fields.get("type")
        if field is None or not isinstance(item, Mapping) or "type" not in item:
            return True
        if item["type"] in get_args(field.annotation) or item["type"] not in TYPES_OF_TOOLS:
            return True
        self.without_effect.append(f"{dotted(at)} (type {shown(item['type'])})")
        return False

    def _ignore(self, at: Path, value: Any, kinds: Kinds) -> None:
        self.unknown += _unknown(value, kinds, at)
        if value not in (None, "", [], {}):
            self.without_effect.append(dotted(at))


def kinds_below(kinds: Kinds, key: str) -> list[str] | None:
    """The schemas that the value of a key may have; None if ElevenLabs has no such key."""
    schemas = _keys()["schemas"]
    if ANYTHING in kinds:
        return [ANYTHING]
    found = [
        schemas[kind][name] for kind in kinds for name in (key, ANYTHING) if name in schemas[kind]
    ]
    return sorted({kind for below in found for kind in below}) if found else None


def keys_at(path: Path) -> list[str]:
    """The keys that ElevenLabs has there; none if it has no such place."""
    kinds: Kinds | None = _keys()["roots"]
    for step in path:
        if isinstance(step, str) and kinds is not None:
            kinds = kinds_below(kinds, step)
    schemas = _keys()["schemas"]
    named = {key for kind in kinds or () if kind in schemas for key in schemas[kind]}
    return sorted(named - {ANYTHING})


def _unknown(value: Any, kinds: Kinds, at: Path) -> Iterator[Path]:
    """The paths of keys that ElevenLabs does not have, within what it has."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _unknown(item, kinds, (*at, position))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            below = kinds_below(kinds, str(key))
            if below is None:
                yield (*at, str(key))
            else:
                yield from _unknown(inner, below, (*at, str(key)))


_LEFT_OUT: Final = object()


@functools.cache
def _keys() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("elevenlabs_keys.json").read_text("utf-8")
    keys: dict[str, Any] = json.loads(text)
    return keys
