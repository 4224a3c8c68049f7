"""What a definition sets, and our agent does not use."""

from __future__ import annotations

from typing import Final

from duologue.agent.definition.schema import AgentDefinition, ConversationConfig

UNUSED: Final = (
    "agent.language",
    "asr.keywords",
    "tts.voice_id",
    "tts.stability",
    "tts.similarity_boost",
)
"""Accepted because files and clients of ElevenLabs have them: the bundled models hear English, and
speak it in one voice."""


def unused_settings(definition: AgentDefinition) -> list[str]:
    """The dotted names of the settings that differ from their defaults but have no effect."""
    given, default = definition.conversation_config, ConversationConfig()
    return [
        f"conversation_config.{name}"
        for name in UNUSED
        if _value(given, name) != _value(default, name)
    ]


def uncallable_tools(definition: AgentDefinition) -> list[str]:
    """The names of the tools that the bundled language model would have to call, and cannot.

    It is too small for that. A `custom_llm` takes its place.
    """
    prompt = definition.conversation_config.agent.prompt
    return [] if prompt.custom_llm is not None else [tool.name for tool in prompt.tools]


def _value(config: ConversationConfig, name: str) -> object:
    section, key = name.split(".")
    value: object = getattr(getattr(config, section), key)
    return value
