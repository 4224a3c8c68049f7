"""A written conversation."""

from __future__ import annotations

from typing import Literal

from duologue.conversation.session import BaseConversation


class TextConversation(BaseConversation):
    """A conversation in writing: no microphone, no speaker."""

    @property
    def type(self) -> Literal["text"]:
        """Always `"text"`."""
        return "text"
