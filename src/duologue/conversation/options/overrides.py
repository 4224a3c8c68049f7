"""What one conversation is to do differently from its agent's definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from duologue.conversation.options.reading import (
    Options,
    contradiction,
    flag,
    mapping,
    members,
)


class AgentOverride(TypedDict, total=False):
    """What the agent is told, says first, and in which language.

    - `prompt`: handed to the server as it is. Its `prompt` replaces the agent's instructions, its
      `llm` names another language model.
    - `first_message`: an empty one lets the user speak first.
    - `native_mcp_server_ids`: 10 at most.
    """

    prompt: Mapping[str, Any]
    first_message: str
    language: str
    native_mcp_server_ids: list[str]


class TtsOverride(TypedDict, total=False):
    """How the agent sounds: speed 0.7 to 5, stability and similarity 0 to 1."""

    voice_id: str
    speed: float
    stability: float
    similarity_boost: float


class AsrOverride(TypedDict, total=False):
    """Words that the recogniser is to expect."""

    keywords: list[str]


class ConversationOverride(TypedDict, total=False):
    """Which events the server sends, and whether the conversation is in writing."""

    text_only: bool
    client_events: list[str]


class Overrides(TypedDict, total=False):
    """What this one conversation does differently from the agent's definition.

    The agent's definition says which of these it allows.
    """

    agent: AgentOverride
    tts: TtsOverride
    asr: AsrOverride
    conversation: ConversationOverride


_SECTIONS: Final[Mapping[str, type]] = {
    "agent": AgentOverride,
    "tts": TtsOverride,
    "asr": AsrOverride,
    "conversation": ConversationOverride,
}

_LISTS: Final = frozenset({"native_mcp_server_ids", "keywords", "client_events"})


def config_override(options: Options, *, text_only: bool) -> dict[str, Any] | None:
    """The overrides as they are sent; None if nothing is overridden.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: a name that does not exist, or a contradiction with `text_only`.
    """
    given = members("overrides", mapping(options, "overrides"), Overrides)
    sections = {name: _section(name, value) for name, value in given.items()}
    _check_text_only(sections, text_only)
    if text_only:
        sections["conversation"] = {**sections.get("conversation", {}), "text_only": True}
    return {name: section for name, section in sections.items() if section} or None


def _section(name: str, value: object) -> dict[str, Any]:
    where = f"overrides[{name!r}]"
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} must be a mapping, not {type(value).__name__}")
    section = members(where, value, _SECTIONS[name])
    for member in _LISTS & section.keys():
        if not isinstance(section[member], list | tuple):
            found = type(section[member]).__name__
            raise TypeError(f"{where}[{member!r}] must be a list of strings, not {found}")
    prompt = section.get("prompt", {})
    if not isinstance(prompt, Mapping):
        raise TypeError(
            f"{where}['prompt'] must be a mapping such as {{'prompt': 'Be brief.'}}, "
            f"not {type(prompt).__name__}"
        )
    return section


def _check_text_only(sections: Mapping[str, Mapping[str, Any]], text_only: bool) -> None:
    override = flag(sections.get("conversation", {}), "text_only", text_only)
    if override != text_only:
        raise contradiction(
            f"text_only={text_only}",
            f"overrides['conversation']['text_only']={override}",
            "set `text_only` alone",
        )
