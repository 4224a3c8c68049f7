"""Generated from `duologue.conversation.senders` by `make blocking`; not to be edited."""

from __future__ import annotations

from collections.abc import Sequence

from duologue.blocking.base import BlockingBase
from duologue.conversation.senders import Senders as AsyncioSenders


class Senders(BlockingBase):
    """The senders of a conversation: plain functions, which queue a message and return."""

    _conversation: AsyncioSenders

    def send_user_message(self, text: str, rich_content_id: str | None = None) -> None:
        """Say something in writing, to be answered like speech.

        Raises:
            TypeError: `text` is no string.
            ValueError: `text` has half a surrogate pair, which cannot be sent.
            ConversationEnded: the conversation is ending or over.
            SendQueueFull: the server takes nothing, and 1,024 messages wait.
        """
        self._conversation.send_user_message(text, rich_content_id)

    def send_contextual_update(self, text: str, context_id: str | None = None) -> None:
        """Let the agent know something without asking for an answer.

        Of the updates with one `context_id` only the latest counts.

        Raises:
            TypeError, ValueError, ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_contextual_update(text, context_id)

    def send_user_activity(self) -> None:
        """Let the agent hold back for a moment, because the user is typing for instance.

        Raises:
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_user_activity()

    def send_multimodal_message(
        self, text: str | None = None, file_ids: Sequence[str] = ()
    ) -> None:
        """Send words and files together, to be answered like speech.

        Args:
            text: the words; None and the empty string are left out.
            file_ids: the ids of files that were uploaded to this conversation before.

        Raises:
            TypeError: `text` is no string, or `file_ids` is no sequence of strings.
            ValueError, ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_multimodal_message(text, file_ids)

    def send_mcp_tool_approval_result(self, tool_call_id: str, is_approved: bool) -> None:
        """Allow or deny a call to an MCP tool that `on_mcp_tool_call` reported as awaiting it.

        Each call is answered once.

        Raises:
            TypeError: the id is no string, or the decision no bool.
            ApprovalUnavailable: the call has been answered, or is known to wait no longer.
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_mcp_tool_approval_result(tool_call_id, is_approved)

    @property
    def can_send_feedback(self) -> bool:
        """True from a response of the agent until it is rated, or until the session ends."""
        return self._in_loop(lambda: self._conversation.can_send_feedback)

    def send_feedback(self, like: bool | None, event_id: int | None = None) -> None:
        """Rate the agent's latest response, which can be done once.

        Args:
            like: whether it was good; None takes the rating back, and it can be rated again.
            event_id: the id of another response, or of the same one to change the rating; with it
                a rating can always be sent.

        Raises:
            TypeError: `like` is neither a bool nor None, or `event_id` is no whole number.
            FeedbackUnavailable: there is no response to rate yet, or it has been rated.
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_feedback(like, event_id)

    def send_client_tool_result(
        self, tool_call_id: str, result: object, *, is_error: bool = False
    ) -> None:
        """Answer a call that `on_unhandled_client_tool_call` has reported.

        Args:
            tool_call_id: the id of the call.
            result: becomes text as the result of a tool does: None is a sentence, dicts, lists,
                sets and dataclasses are JSON, everything else is what `str` makes of it.
            is_error: whether the call has failed; the result then says why.

        Raises:
            TypeError: the id is no string, or the result is not JSON.
            ValueError: a text has half a surrogate pair, which cannot be sent.
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        self._conversation.send_client_tool_result(tool_call_id, result, is_error=is_error)
