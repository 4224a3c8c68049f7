"""Writes down which keys ElevenLabs' agents have, from the facts of their REST API.

    python -m scripts.elevenlabs_keys rest-api.json

The facts have `operations` and `schemas`; a type is a name, or `{"any": […]}` for a union,
`{"array": T}`, `{"map": T}`, or `{"object": {field: T}}`. What is written has, for each schema that
an agent is made of, its keys, and for each key the schemas of its value; the key `*` stands for any
name, and the schema `*` for anything.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parents[1] / "src/duologue/agent/definition/elevenlabs_keys.json"
ROOTS: Final = (
    "Body_Create_Agent_v1_convai_agents_create_post",
    "Body_Patches_an_Agent_settings_v1_convai_agents__agent_id__patch",
    "GetAgentResponseModel",
)
ANYTHING: Final = "*"
ALSO_KNOWN: Final = (("AgentPlatformSettingsRequestModel", "ban"),)
"""Schema and key of what the templates of their command line 1.3.0 have besides."""

SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})


class Keys:
    """Collects the keys of schemas, from those of an agent down."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self.found: dict[str, dict[str, list[str]]] = {}

    def add(self, name: str) -> None:
        """Add a schema, and all that its values may be."""
        if name in self.found:
            return
        kind = self._schemas[name]
        self.found[name] = {}
        self.found[name] = self._fields(name, kind)

    def _fields(self, name: str, kind: Any) -> dict[str, list[str]]:
        fields: dict[str, set[str]] = {}
        for part in _parts(kind):
            if isinstance(part, str) and part in self._schemas:
                self.add(part)
                for key, values in self.found[part].items():
                    fields.setdefault(key, set()).update(values)
            elif isinstance(part, dict) and "object" in part:
                for key, value in part["object"].items():
                    fields.setdefault(key, set()).update(self._kinds(f"{name}.{key}", value))
            elif isinstance(part, dict) and "map" in part:
                kinds = self._kinds(f"{name}.*", part["map"])
                fields.setdefault(ANYTHING, set()).update(kinds)
        return {key: sorted(values) for key, values in sorted(fields.items())}

    def _kinds(self, name: str, kind: Any) -> Iterator[str]:
        """The names of the schemas that a value may have; scalars have none."""
        for part in _parts(kind):
            if isinstance(part, str) and part in self._schemas:
                self.add(part)
                if self.found[part] or _is_object(self._schemas[part]):
                    yield part
            elif isinstance(part, dict) and ("object" in part or "map" in part):
                self.found.setdefault(name, {})
                self.found[name] |= self._fields(name, part)
                yield name
            elif _is_anything(part):
                yield ANYTHING


def _parts(kind: Any) -> Iterator[Any]:
    """What a type may be, through unions and arrays."""
    if isinstance(kind, dict) and "any" in kind:
        for part in kind["any"]:
            yield from _parts(part)
    elif isinstance(kind, dict) and "array" in kind:
        yield from _parts(kind["array"])
    elif isinstance(kind, dict) and isinstance(kind.get("type"), str | dict | list):
        yield from _parts(kind["type"])
    else:
        yield kind


def _is_object(kind: Any) -> bool:
    return any(isinstance(part, dict) and "object" in part for part in _parts(kind))


def _is_anything(part: Any) -> bool:
    if isinstance(part, str):
        return part not in SCALARS
    return not {"const", "enum"} & set(part)


def keys_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of all schemas that an agent is made of."""
    keys = Keys(facts["schemas"])
    for root in ROOTS:
        keys.add(root)
    for schema, key in ALSO_KNOWN:
        keys.found[schema].setdefault(key, [ANYTHING])
    return {"roots": list(ROOTS), "schemas": keys.found}


def written(keys: Mapping[str, Any]) -> str:
    """The file: one schema a line."""
    schemas = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(fields, sort_keys=True)}"
        for name, fields in sorted(keys["schemas"].items())
    )
    roots = json.dumps(keys["roots"])
    return f'{{\n "roots": {roots},\n "schemas": {{\n{schemas}\n }}\n}}\n'


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the facts, and write the keys."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("facts", type=Path, help="the facts of the REST API, a JSON file")
    parser.add_argument("--target", type=Path, default=TARGET, help="where to write")
    options = parser.parse_args(arguments)
    keys = keys_of(json.loads(options.facts.read_text("utf-8")))
    options.target.write_text(written(keys), "utf-8")


if __name__ == "__main__":
    main()
