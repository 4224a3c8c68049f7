"""What a caller may send in a conversation. All of it may be called from any thread."""

from __future__ import annotations

from duologue.dialogue.tool_calls import text_of
from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    ContextualUpdate,
    UserActivity,
    UserMessage,
)


class Senders:
    """The senders of a conversation: plain functions, which queue a message and return."""

    def send_user_message(self, text: str, *, rich_content_id: str | None = None) -> None:
        """Say something in writing, to be answered like speech.

        Raises:
            TypeError: `text` is no string.
            ValueError: `text` has half a surrogate pair, which cannot be sent.
            ConversationEnded: the conversation is ending or over.
            SendQueueFull: the server takes nothing, and 1,024 messages wait.
        """
        _check_text("text", text)
        self._send(UserMessage(text=text, rich_content_id=rich_content_id))
        self._wrote()

    def send_contextual_update(self, text: str, *, context_id: str | None = None) -> None:
        """Let the agent know something without asking for an answer.

        Of the updates with one `context_id` only the latest counts.

        Raises:
            TypeError, ValueError, ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        _check_text("text", text)
        self._send(ContextualUpdate(text=text, context_id=context_id or None))

    def send_user_activity(self) -> None:
        """Let the agent hold back for a moment, because the user is typing for instance.

        Raises:
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._send(UserActivity())

    def send_client_tool_result(
        self, tool_call_id: str, result: object, *, is_error: bool = False
    ) -> None:
        """Answer a call that `on_unhandled_client_tool_call` has reported.

        Args:
            tool_call_id: the id of the call.
            result: becomes text as the result of a tool does: None is a sentence, dicts and lists
                are JSON, everything else is what `str` makes of it.
            is_error: whether the call has failed; the result then says why.

        Raises:
            TypeError: the id is no string, or the result is not JSON.
            ValueError: a text has half a surrogate pair, which cannot be sent.
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        _check_text("tool_call_id", tool_call_id)
        self._send(
            ClientToolResult(
                tool_call_id=tool_call_id, result=text_of(result), is_error=bool(is_error)
            )
        )

    def _send(self, message: ClientMessage) -> None:
        """Queue a message."""
        raise NotImplementedError

    def _wrote(self) -> None:
        """Take note that the user has written something, just now."""
        raise NotImplementedError


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a string, not {type(text).__name__}")
