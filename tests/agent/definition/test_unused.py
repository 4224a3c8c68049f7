"""What a definition sets, and our agent does not use."""

from __future__ import annotations

import pytest

from duologue.agent.definition import DEFAULT_DEFINITION, AgentDefinition, unused_settings


def test_an_agent_that_sets_nothing_of_the_kind_has_none() -> None:
    assert unused_settings(DEFAULT_DEFINITION) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("agent", "language", "de"),
        ("asr", "keywords", ["Duologue"]),
        ("tts", "voice_id", "v"),
        ("tts", "stability", 0.5),
        ("tts", "similarity_boost", 0.5),
    ],
)
def test_each_setting_without_effect_is_named(section: str, key: str, value: object) -> None:
    definition = AgentDefinition.model_validate(
        {"agent_id": "a", "conversation_config": {section: {key: value}}}
    )
    assert unused_settings(definition) == [f"conversation_config.{section}.{key}"]
