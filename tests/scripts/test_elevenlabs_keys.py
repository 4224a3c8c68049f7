from __future__ import annotations

import json
from pathlib import Path

from scripts.elevenlabs_keys import ANYTHING, TARGET, Keys, main

SCHEMAS = {
    "Agent": {
        "object": {
            "name": {"any": ["string", "null"]},
            "config": {"any": ["Config", "null"]},
            "tools": {"array": {"any": ["Tool", "string"]}},
            "placeholders": {"map": "string"},
            "presets": {"map": "Config"},
            "inline": {"object": {"a": "integer"}},
            "free": "object",
            "mode": {"enum": ["a", "b"]},
        }
    },
    "Config": {"object": {"parent": "Config", "speed": "number"}},
    "Tool": {"object": {"type": {"const": "client"}, "config": "Config"}},
}


def test_each_key_has_the_schemas_of_its_values() -> None:
    keys = Keys(SCHEMAS)
    keys.add("Agent")
    assert keys.found["Agent"] == {
        "config": ["Config"],
        "free": [ANYTHING],
        "inline": ["Agent.inline"],
        "mode": [],
        "name": [],
        "placeholders": ["Agent.placeholders"],
        "presets": ["Agent.presets"],
        "tools": ["Tool"],
    }
    assert keys.found["Agent.inline"] == {"a": []}
    assert keys.found["Agent.placeholders"] == {ANYTHING: []}
    assert keys.found["Agent.presets"] == {ANYTHING: ["Config"]}
    assert keys.found["Config"] == {"parent": ["Config"], "speed": []}
    assert keys.found["Tool"] == {"config": ["Config"], "type": []}


def test_what_is_checked_in_is_a_file_of_keys() -> None:
    found = json.loads(TARGET.read_text("utf-8"))
    named = {
        kind for fields in found["schemas"].values() for kinds in fields.values() for kind in kinds
    }
    assert named - {ANYTHING} <= set(found["schemas"])
    assert set(found["roots"]) <= set(found["schemas"])


def test_the_file_is_written(tmp_path: Path) -> None:
    facts, target = tmp_path / "facts.json", tmp_path / "keys.json"
    names = json.loads(TARGET.read_text("utf-8"))["roots"]
    schemas = {name: {"object": {"name": "string"}} for name in names}
    schemas["AgentPlatformSettingsRequestModel"] = {"object": {"auth": "string"}}
    schemas[names[0]] = {"object": {"platform_settings": "AgentPlatformSettingsRequestModel"}}
    facts.write_text(json.dumps({"schemas": schemas}))
    main([str(facts), "--target", str(target)])
    written = json.loads(target.read_text("utf-8"))
    assert written["schemas"]["AgentPlatformSettingsRequestModel"] == {
        "auth": [],
        "ban": [ANYTHING],
    }
