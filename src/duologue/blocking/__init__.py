"""Conversations without `async`: the surface of `duologue` for programs without an event loop.

from duologue.blocking import Conversation

with Conversation.start_session(agent_id="…") as conversation:
    print(conversation.wait_until_ended())

Each conversation has an event loop in a thread of its own, and may be used from any thread, even
where another event loop is running, as in a notebook. Callbacks are plain functions. They are
called one after another in another thread, so that one which takes long stops neither sound nor
answers to pings; in them, too, everything may be used, `end_session` and `wait_until_ended`
included. Client tools and `on_mcp_tool_approval_request` may also be async functions: these run in
the conversation's event loop, plain ones in threads of their own.

Ctrl-C ends the session: while it starts, inside its `with` block, in `wait_until_ended`, and while
`for event in conversation` waits. A conversation that nobody ends goes on until the program is
over, and is ended then.

Values, errors and `ClientTools` are those of `duologue`. This file is made by `make blocking`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.blocking.generated.connection.http.feedback import post_overall_feedback
    from duologue.blocking.generated.connection.http.signed_urls import get_signed_url
    from duologue.blocking.generated.connection.http.tokens import get_conversation_token
    from duologue.blocking.generated.conversation.starting.start import Conversation
    from duologue.blocking.generated.conversation.text import TextConversation
    from duologue.blocking.generated.conversation.voice import VoiceConversation

_HOME_OF = {
    "Conversation": "duologue.blocking.generated.conversation.starting.start",
    "TextConversation": "duologue.blocking.generated.conversation.text",
    "VoiceConversation": "duologue.blocking.generated.conversation.voice",
    "get_conversation_token": "duologue.blocking.generated.connection.http.tokens",
    "get_signed_url": "duologue.blocking.generated.connection.http.signed_urls",
    "post_overall_feedback": "duologue.blocking.generated.connection.http.feedback",
}

__all__ = [
    "Conversation",
    "TextConversation",
    "VoiceConversation",
    "get_conversation_token",
    "get_signed_url",
    "post_overall_feedback",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package stays quick."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'duologue.blocking' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
