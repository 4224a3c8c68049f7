"""What a client sends: one frozen type for each message of the contract.

A message is written as its fields with a `type` beside them. Microphone sound is the exception:
it has no `type`. A field that is None is left out, unless the contract gives null a meaning.

What is essential in a message are its fields without a default, as in `server_events`.

The source of names and fields is the AsyncAPI schema of the ElevenLabs Agents platform
(`@elevenlabs/types` 0.23.0). `enclave_setup_config` is in no schema; ElevenLabs' JavaScript
client sends it to self-hosted orchestrators.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from duologue.protocol.fields import expected

Score = Literal["like", "dislike"]


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all messages of a client have in common."""

    TYPE: ClassVar[str | None]
    """The value of `type` on the wire, or None for the message that has no type."""

    NOT_TO_BE_GUESSED: ClassVar[tuple[str, ...]] = ()
    """Fields that may be missing but, where they are there, have to be understood."""


class UserAudioChunk(ClientMessage, frozen=True, kw_only=True):
    """A piece of the user's sound, encoded as the metadata's `user_input_audio_format` says."""

    TYPE = None

    audio: bytes = msgspec.field(name="user_audio_chunk")


class Pong(ClientMessage, frozen=True, kw_only=True):
    """The answer to the ping with the same event id."""

    TYPE = "pong"

    event_id: int | None = expected()


class UserMessage(ClientMessage, frozen=True, kw_only=True):
    """Words that the user wrote instead of speaking."""

    TYPE = "user_message"
    NOT_TO_BE_GUESSED = ("text",)

    text: str | None = None
    rich_content_id: str | None = None


class UserActivity(ClientMessage, frozen=True, kw_only=True):
    """The user is busy, typing for instance: the agent is not to speak just now."""

    TYPE = "user_activity"


class Feedback(ClientMessage, frozen=True, kw_only=True):
    """The user's rating of a response; a null score takes the rating back."""

    TYPE = "feedback"

    event_id: int
    score: Score | None


class ClientToolResult(ClientMessage, frozen=True, kw_only=True):
    """What a client tool returned.

    `result` is text by contract, and text is what this library sends. It is read as any JSON
    value, because the official Python SDK sends dictionaries as they are.
    """

    TYPE = "client_tool_result"

    tool_call_id: str
    result: Any = expected()
    is_error: bool = expected(False)


class McpToolApprovalResult(ClientMessage, frozen=True, kw_only=True):
    """The user's decision on a call to an MCP tool."""

    TYPE = "mcp_tool_approval_result"

    tool_call_id: str
    is_approved: bool


class ContextualUpdate(ClientMessage, frozen=True, kw_only=True):
    """Something the agent should know but not answer.

    Of the updates with one `context_id`, only the latest counts.
    """

    TYPE = "contextual_update"

    text: str
    context_id: str | None = None


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which client speaks, and its version."""

    source: str | None = None
    version: str | None = None


class ConversationInitiation(ClientMessage, frozen=True, kw_only=True):
    """The first message of a client: what this one conversation is to do differently."""

    TYPE = "conversation_initiation_client_data"
    NOT_TO_BE_GUESSED = ("conversation_config_override", "dynamic_variables", "tool_mock_config")

    conversation_config_override: dict[str, Any] | None = None
    custom_llm_extra_body: Any = None
    dynamic_variables: dict[str, Any] | None = None
    user_id: str | None = None
    source_info: SourceInfo | None = None
    tool_mock_config: dict[str, Any] | None = None


class FileInput(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="file_input"):
    """A file that was uploaded to this conversation before."""

    file_id: str


class TextInput(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    tag="user_message",
):
    """The words of a multimodal message."""

    text: str | None = None
    rich_content_id: str | None = None


class MultimodalMessage(ClientMessage, frozen=True, kw_only=True):
    """Words and files together. `file` is the first of `files`, for older servers."""

    TYPE = "multimodal_message"
    NOT_TO_BE_GUESSED = ("text", "file", "files")

    text: TextInput | None = None
    file: FileInput | None = None
    files: list[FileInput] | None = None


class EnclaveSetup(ClientMessage, frozen=True, kw_only=True, omit_defaults=False):
    """What a self-hosted orchestrator needs before the initiation; unset parts are null.

    Its `repr` shows nothing of it: webhooks have secrets, and an agent's definition may.
    """

    TYPE = "enclave_setup_config"

    agent_config_dict: dict[str, Any] | None = None
    override_agent_config_list: list[Any] | None = None
    tools_config_list: list[Any] | None = None
    prompt_knowledge_base: Any = None
    bedrock_inference_profile: str | msgspec.UnsetType = msgspec.UNSET
    post_call_transcription_webhook: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    post_call_audio_webhook: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def message_types() -> list[type[ClientMessage]]:
    """Every message type of the contract."""
    return ClientMessage.__subclasses__()
