"""What a definition sets, and our agent does not use."""

from __future__ import annotations

import pytest

from duologue.agent.definition import (
    DEFAULT_DEFINITION,
    AgentDefinition,
    uncallable_tools,
    unused_settings,
)


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


@pytest.mark.parametrize(
    ("custom_llm", "expected"), [(None, ["look_up"]), ({"url": "http://h/v1", "model_id": "m"}, [])]
)
def test_tools_are_named_that_the_bundled_model_would_have_to_call(
    custom_llm: object, expected: list[str]
) -> None:
    prompt = {"tools": [{"type": "client", "name": "look_up"}], "custom_llm": custom_llm}
    definition = AgentDefinition.model_validate(
        {"agent_id": "a", "conversation_config": {"agent": {"prompt": prompt}}}
    )
    assert uncallable_tools(definition) == expected
    assert uncallable_tools(DEFAULT_DEFINITION) == []
