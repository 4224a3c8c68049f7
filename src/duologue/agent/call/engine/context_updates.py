"""What a client lets the agent know on the side, kept to a bounded part of the conversation."""

from __future__ import annotations

from typing import Final

from livekit.agents.llm import ChatContext

UPDATES_LIMIT: Final = 64
"""How many stay: a program that tells where the mouse is would fill the model's context alone."""


class ContextUpdates:
    """Adds updates to a conversation, and takes out those that no longer count.

    Of the updates with one id only the latest counts, and of all of them the latest 64.
    """

    def __init__(self) -> None:
        self._item_ids: dict[object, str] = {}  # the oldest first

    def add(self, context: ChatContext, text: str, context_id: str | None) -> None:
        """Add an update at the end of the conversation.

        Args:
            context: the conversation, which is changed.
            text: what the agent should know.
            context_id: what it is about; an update without is about something of its own.
        """
        about = object() if context_id is None else context_id
        outdated = {self._item_ids.pop(about, "")}
        if len(self._item_ids) >= UPDATES_LIMIT:
            outdated.add(self._item_ids.pop(next(iter(self._item_ids))))
        context.items = [item for item in context.items if item.id not in outdated]
        self._item_ids[about] = context.add_message(role="system", content=text).id
