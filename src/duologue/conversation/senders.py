"""What a caller may send in a conversation. All of it may be called from any thread."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from duologue.dialogue.rules import Dialogue
from duologue.dialogue.tools.calls import text_of
from duologue.errors import ConversationEnded
from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    ContextualUpdate,
    FileInput,
    MultimodalMessage,
    TextInput,
    UserActivity,
    UserMessage,
)


class Senders(ABC):
    """The senders of a conversation: plain functions, which queue a message and return."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        # What may be done once is not done by two threads, nor by one and the event loop.
        self._rules_lock = threading.Lock()

    @abstractmethod
    def is_open(self) -> bool:
        """True from the moment the session is connected until it begins to end."""

    def send_user_message(self, text: str, rich_content_id: str | None = None) -> None:
        """Say something in writing, to be answered like speech.

        Raises:
            TypeError: `text` is no string.
            ValueError: `text` has half a surrogate pair, which cannot be sent.
            ConversationEnded: the conversation is ending or over.
            SendQueueFull: the server takes nothing, and 1,024 messages wait.
        """
        _check_text("text", text)
        self._send(UserMessage(text=text, rich_content_id=rich_content_id))
        self._wrote(text)

    def send_contextual_update(self, text: str, context_id: str | None = None) -> None:
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
        if text is not None:
            _check_text("text", text)
        if isinstance(file_ids, str) or not isinstance(file_ids, Sequence):
            raise TypeError(f"file_ids must be a list of ids, not {type(file_ids).__name__}")
        for file_id in file_ids:
            _check_text("a file id", file_id)
        files = [FileInput(file_id=file_id) for file_id in file_ids]
        self._send(
            MultimodalMessage(
                text=TextInput(text=text) if text else None,
                file=files[0] if files else None,
                files=files or None,
            )
        )
        self._wrote(text)

    def send_mcp_tool_approval_result(self, tool_call_id: str, is_approved: bool) -> None:
        """Allow or deny a call to an MCP tool that `on_mcp_tool_call` reported as awaiting it.

        Each call is answered once. An answer given here takes the place of that of
        `on_mcp_tool_approval_request`, which is cancelled if it is being asked.

        Raises:
            TypeError: the id is no string, or the decision no bool.
            ApprovalUnavailable: the call has been answered, or is known to wait no longer.
            ConversationEnded, SendQueueFull: as for `send_user_message`.
        """
        _check_text("tool_call_id", tool_call_id)
        if not isinstance(is_approved, bool):
            raise TypeError(f"is_approved must be True or False, not {is_approved!r}")
        with self._rules_lock:
            if not self.is_open():
                raise ConversationEnded("an approval cannot be sent: the conversation has ended")
            message = self._dialogue.approvals.message(tool_call_id, is_approved)
            self._send(message)
            self._dialogue.approvals.sent(message)
        self._approval_sent(tool_call_id)

    @property
    def can_send_feedback(self) -> bool:
        """True from a response of the agent until it is rated, or until the session ends."""
        return self.is_open() and self._dialogue.ratings.available

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
        if not isinstance(like, bool | None):
            raise TypeError(f"like must be True, False or None, not {like!r}")
        if not isinstance(event_id, int | None) or isinstance(event_id, bool):
            raise TypeError(f"event_id must be a whole number, not {type(event_id).__name__}")
        with self._rules_lock:
            if not self.is_open():
                raise ConversationEnded("feedback cannot be sent: the conversation has ended")
            message = self._dialogue.ratings.message(like, event_id)
            self._send(message)
            self._dialogue.ratings.sent(message)
        self._rated()

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
        _check_text("tool_call_id", tool_call_id)
        self._send(
            ClientToolResult(
                tool_call_id=tool_call_id, result=text_of(result), is_error=bool(is_error)
            )
        )

    @abstractmethod
    def _send(self, message: ClientMessage) -> None:
        """Queue a message."""

    @abstractmethod
    def _rated(self) -> None:
        """Report what has changed with a rating."""

    @abstractmethod
    def _approval_sent(self, tool_call_id: str) -> None:
        """Ask nobody any more about the approval of this call."""

    @abstractmethod
    def _wrote(self, text: str | None) -> None:
        """Take note of what the user has written, just now."""


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a string, not {type(text).__name__}")
