"""Hold a spoken or written conversation with a voice agent.

async with Conversation.start_session(agent_id="…") as conversation:
    await conversation.wait_until_ended()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.connection.http.feedback import post_overall_feedback
    from duologue.connection.http.signed_urls import get_signed_url
    from duologue.connection.http.tokens import get_conversation_token
    from duologue.conversation import (
        Conversation,
        Orchestrator,
        Overrides,
        SessionStart,
        TextConversation,
        TextOptions,
        ToolMockConfig,
        VoiceConversation,
        VoiceOptions,
    )
    from duologue.conversation.sound.counters import AudioCounters
    from duologue.dialogue.tools.registry import ClientTool, ClientTools
    from duologue.dialogue.turns import TurnMetrics
    from duologue.dialogue.values import (
        AgentAudio,
        ConnectionNotice,
        DeviceChange,
        Disconnection,
        ErrorReport,
        Message,
        Mode,
        Status,
    )
    from duologue.errors import (
        ApprovalUnavailable,
        AudioError,
        AudioFileError,
        ConversationEnded,
        ConversationTokenRefused,
        DeviceError,
        DuologueError,
        FeedbackUnavailable,
        RequestFailed,
        RequestRefused,
        SendQueueFull,
        SessionConnectionError,
        SignedUrlRefused,
        ToolError,
        UnknownDevice,
        UnsupportedAudioFormat,
        UploadError,
    )

_HOMES = {
    "duologue.connection.http.feedback": ("post_overall_feedback",),
    "duologue.connection.http.tokens": ("get_conversation_token",),
    "duologue.connection.http.signed_urls": ("get_signed_url",),
    "duologue.conversation": (
        "Conversation",
        "Orchestrator",
        "Overrides",
        "SessionStart",
        "TextConversation",
        "TextOptions",
        "ToolMockConfig",
        "VoiceConversation",
        "VoiceOptions",
    ),
    "duologue.conversation.sound.counters": ("AudioCounters",),
    "duologue.dialogue.tools.registry": ("ClientTool", "ClientTools"),
    "duologue.dialogue.turns": ("TurnMetrics",),
    "duologue.dialogue.values": (
        "AgentAudio",
        "ConnectionNotice",
        "DeviceChange",
        "Disconnection",
        "ErrorReport",
        "Message",
        "Mode",
        "Status",
    ),
    "duologue.errors": (
        "ApprovalUnavailable",
        "AudioError",
        "AudioFileError",
        "ConversationEnded",
        "ConversationTokenRefused",
        "DeviceError",
        "DuologueError",
        "FeedbackUnavailable",
        "RequestFailed",
        "RequestRefused",
        "SendQueueFull",
        "SessionConnectionError",
        "SignedUrlRefused",
        "ToolError",
        "UnknownDevice",
        "UnsupportedAudioFormat",
        "UploadError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AgentAudio",
    "ApprovalUnavailable",
    "AudioCounters",
    "AudioError",
    "AudioFileError",
    "ClientTool",
    "ClientTools",
    "ConnectionNotice",
    "Conversation",
    "ConversationEnded",
    "ConversationTokenRefused",
    "DeviceChange",
    "DeviceError",
    "Disconnection",
    "DuologueError",
    "ErrorReport",
    "FeedbackUnavailable",
    "Message",
    "Mode",
    "Orchestrator",
    "Overrides",
    "RequestFailed",
    "RequestRefused",
    "SendQueueFull",
    "SessionConnectionError",
    "SessionStart",
    "SignedUrlRefused",
    "Status",
    "TextConversation",
    "TextOptions",
    "ToolError",
    "ToolMockConfig",
    "TurnMetrics",
    "UnknownDevice",
    "UnsupportedAudioFormat",
    "UploadError",
    "VoiceConversation",
    "VoiceOptions",
    "get_conversation_token",
    "get_signed_url",
    "post_overall_feedback",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package stays quick."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'duologue' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
