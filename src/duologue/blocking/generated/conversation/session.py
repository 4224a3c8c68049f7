"""Generated from `duologue.conversation.session` by `make blocking`; not to be edited."""

from __future__ import annotations

from duologue.blocking.generated.conversation.senders import Senders
from duologue.blocking.generated.conversation.uploads import Uploads
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
