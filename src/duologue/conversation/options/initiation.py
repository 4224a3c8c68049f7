"""The first message of a conversation, from a caller's options."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from duologue.connection.http.endpoints import SOURCE, version
from duologue.conversation.options.overrides import config_override
from duologue.conversation.options.reading import (
    Options,
    check_json,
    mapping,
    members,
    optional_text,
)
from duologue.protocol.client_messages import ConversationInitiation, SourceInfo


class ToolMockConfig(TypedDict, total=False):
    """Which of the agent's tools answer with a prepared result instead of being called.

    - `mocking_strategy`: none, all, or those in `mocked_tool_names`.
    - `fallback_strategy`: what a tool does that has no prepared result.
    """

    mocking_strategy: Literal["none", "all", "selected"]
    mocked_tool_names: list[str]
    fallback_strategy: Literal["raise_error", "call_real_tool"]


def initiation(options: Options, *, text_only: bool) -> ConversationInitiation:
    """What the agent is told at the beginning.

    As in ElevenLabs' JavaScript client, an empty `custom_llm_extra_body` is not sent, but empty
    `dynamic_variables` and an empty `tool_mock_config` are.

    Raises:
        TypeError: a value of the wrong kind, or one that JSON cannot hold.
        ValueError: a name that does not exist, or a text or a number that JSON cannot hold.
    """
    message = ConversationInitiation(
        conversation_config_override=config_override(options, text_only=text_only),
        custom_llm_extra_body=options.get("custom_llm_extra_body") or None,
        dynamic_variables=_object(options, "dynamic_variables"),
        user_id=optional_text(options, "user_id"),
        source_info=SourceInfo(source=SOURCE, version=version()),
        tool_mock_config=_tool_mock_config(options),
    )
    check_json("overrides", message.conversation_config_override)
    check_json("dynamic_variables", message.dynamic_variables)
    check_json("custom_llm_extra_body", message.custom_llm_extra_body)
    check_json("tool_mock_config", message.tool_mock_config)
    return message


def _object(options: Options, name: str) -> dict[str, Any] | None:
    return dict(mapping(options, name)) if name in options else None


def _tool_mock_config(options: Options) -> dict[str, Any] | None:
    name = "tool_mock_config"
    return members(name, mapping(options, name), ToolMockConfig) if name in options else None
