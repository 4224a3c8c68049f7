"""What was said and heard in a conversation, message by message."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from duologue.dialogue.values import Message
from duologue.protocol.server_events import AgentResponseCorrectionEvent

MESSAGES_LIMIT: Final = 10_000
"""How many messages are kept; beyond it the oldest goes. That is a day of talk without a pause."""

EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Transcript:
    """Keeps the messages of both sides, with their times.

    Attributes:
        dropped: how many messages are no longer kept.
    """

    def __init__(self, limit: int = MESSAGES_LIMIT) -> None:
        self._messages: deque[Message] = deque(maxlen=limit)
        self._began_ms = 0.0
        self._began_at = EPOCH
        self.dropped = 0

    @property
    def messages(self) -> tuple[Message, ...]:
        """All that are kept, in order."""
        return tuple(self._messages)

    def begins(self, now_ms: float, at: datetime) -> None:
        """The conversation begins now, by the two clocks."""
        self._began_ms, self._began_at = now_ms, at

    def add(self, message: Message, now_ms: float) -> Message:
        """Add a message, and return it with its times.

        What a server understood a written message to be, word for word, is that message.
        """
        message = self._timed(message, now_ms)
        if self._is_echo(message):
            message = replace(self._messages.pop(), event_id=message.event_id)
        elif len(self._messages) == self._messages.maxlen:
            self.dropped += 1
        self._messages.append(message)
        return message

    def correct(self, correction: AgentResponseCorrectionEvent) -> None:
        """Cut a message of the agent's down to what of it was heard."""
        index = corrected_index(self._messages, correction)
        if index is not None:
            self._messages[index] = corrected(self._messages[index], correction)

    def _timed(self, message: Message, now_ms: float) -> Message:
        since_start_ms = max(0.0, now_ms - self._began_ms)
        at = self._began_at + timedelta(milliseconds=since_start_ms)
        return replace(message, since_start_ms=since_start_ms, at=at)

    def _is_echo(self, message: Message) -> bool:
        if message.role != "user" or message.event_id is None or not self._messages:
            return False
        latest = self._messages[-1]
        is_written = latest.role == "user" and latest.event_id is None
        return is_written and latest.text.strip() == message.text.strip()


def answer_in(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What the agent has said since the user's latest message."""
    answer: list[Message] = []
    for message in reversed(messages):
        if message.role == "user":
            break
        answer.insert(0, message)
    return tuple(answer)


def corrected_index(
    messages: Sequence[Message] | deque[Message], correction: AgentResponseCorrectionEvent
) -> int | None:
    """Which message a correction is about: the latest of its id; without one, the latest it fits.

    Returns:
        Its index, or None if it is not there.
    """
    for index in reversed(range(len(messages))):
        message = messages[index]
        if message.role != "agent":
            continue
        if correction.event_id is not None:
            if message.event_id == correction.event_id:
                return index
        elif correction.original_agent_response in (None, message.full_text):
            return index
    return None


def corrected(message: Message, correction: AgentResponseCorrectionEvent) -> Message:
    """The same message as it was heard."""
    return replace(message, text=correction.corrected_agent_response, corrected=True)
