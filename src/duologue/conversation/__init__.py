"""What a caller holds: starting, using and ending a conversation."""

from duologue.conversation.options import (
    Orchestrator,
    Overrides,
    TextOptions,
    ToolMockConfig,
    VoiceOptions,
)
from duologue.conversation.session import BaseConversation
from duologue.conversation.starting.start import Conversation, SessionStart
from duologue.conversation.text import TextConversation
from duologue.conversation.voice import VoiceConversation

__all__ = [
    "BaseConversation",
    "Conversation",
    "Orchestrator",
    "Overrides",
    "SessionStart",
    "TextConversation",
    "TextOptions",
    "ToolMockConfig",
    "VoiceConversation",
    "VoiceOptions",
]
