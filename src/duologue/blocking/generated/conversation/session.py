"""Generated from `duologue.conversation.session` by `make blocking`; not to be edited."""

from __future__ import annotations

from duologue.blocking.generated.conversation.senders import Senders
from duologue.blocking.generated.conversation.uploads import Uploads
from duologue.conversation.session import ANSWER_LIMIT_S
from duologue.conversation.session import BaseConversation as AsyncioBaseConversation
from duologue.dialogue.turns import TurnMetrics
from duologue.dialogue.values import Disconnection, Message, Mode, Status


class BaseConversation(Senders, Uploads):
    """What spoken and written conversations have in common.

    A conversation is made by `Conversation.start_session`, and ended by `end_session`, by
    leaving the `with` that started it, or at the latest as the program ends. All of it may be
    called from any thread.
    """

    _conversation: AsyncioBaseConversation

    @property
    def id(self) -> str:
        """The server's id of this conversation."""
        return self._in_loop(lambda: self._conversation.id)

    @property
    def status(self) -> Status:
        """How far the session is."""
        return self._in_loop(lambda: self._conversation.status)

    @property
    def mode(self) -> Mode:
        """Whether the agent is being heard. After the end it is not."""
        return self._in_loop(lambda: self._conversation.mode)

    @property
    def transcript(self) -> tuple[Message, ...]:
        """What was said, heard and written until now, in order; of 10,000 messages the latest.

        A message that the user has interrupted has what was heard of it as its `text`, once the
        server has said so.
        """
        return self._in_loop(lambda: self._conversation.transcript)

    @property
    def transcript_dropped(self) -> int:
        """How many messages `transcript` no longer has, because there were too many."""
        return self._in_loop(lambda: self._conversation.transcript_dropped)

    @property
    def turn_metrics(self) -> tuple[TurnMetrics, ...]:
        """How long each turn took; of 10,000 turns the latest."""
        return self._in_loop(lambda: self._conversation.turn_metrics)

    @property
    def disconnection(self) -> Disconnection | None:
        """Why the conversation ended; None while it goes on."""
        return self._in_loop(lambda: self._conversation.disconnection)

    def get_id(self) -> str:
        """The server's id of this conversation."""
        return self._in_loop(self._conversation.get_id)

    def is_open(self) -> bool:
        """True from the moment the session is connected until it begins to end."""
        return self._in_loop(self._conversation.is_open)

    def answered(self, *, limit_s: float = ANSWER_LIMIT_S) -> tuple[Message, ...]:
        """Wait until the agent's current answer is whole and has been heard, and return it.

        Right after `send_user_message`, that is the answer to it: ask and wait. Without an answer
        that goes on or is expected it returns at once. It also returns when the conversation ends,
        and, for an answer that is interrupted, once that is silent. An answer is over when the
        server says so, or when nothing more has come of it for a moment: 0.3 s in writing, 0.6 s by
        voice, and up to 5 s where a tool has run or its sound has not begun.

        Args:
            limit_s: how long to wait at most.

        Returns:
            What the agent has said since the user's latest message, from the `transcript`.

        Raises:
            TimeoutError: no answer has come, or it goes on, after `limit_s`.
        """
        return self._wait_for(lambda: self._conversation.answered(limit_s=limit_s))
