"""Whether the agent's latest response can be rated, and what a rating says."""

from __future__ import annotations

from typing import Final

from duologue.dialogue.actions import Report
from duologue.errors import FeedbackUnavailable
from duologue.protocol.client_messages import Feedback, Score

FIRST_EVENT_ID: Final = 1
"""What a rating is taken back from if there was no response yet, as in the JavaScript client."""


class Ratings:
    """Knows which response a rating belongs to, and that it is given once.

    A response is known by its text or its sound, whichever comes first. Event ids grow, so sound
    that comes after the text of a later response is no newer response.
    """

    def __init__(self) -> None:
        self._response_id: int | None = None
        self._rated_id: int | None = None
        self._reported = False
        self._closed = False

    @property
    def available(self) -> bool:
        """True from a response of the agent until it is rated, or until the end."""
        if self._closed or self._response_id is None:
            return False
        return self._rated_id != self._response_id

    def responded(self, event_id: int | None) -> list[Report]:
        """The agent has answered, with this or with more of it; without an id it has no rating."""
        if event_id is None:
            return []
        if self._response_id is None or event_id > self._response_id:
            self._response_id = event_id
        return self.changes()

    def message(self, like: bool | None, event_id: int | None) -> Feedback:
        """What to send for a rating, or, with None, for taking it back.

        Raises:
            FeedbackUnavailable: there is no response to rate, or it has been rated.
        """
        if event_id is None:
            if like is not None and not self.available:
                raise FeedbackUnavailable(self._reason())
            event_id = FIRST_EVENT_ID if self._response_id is None else self._response_id
        return Feedback(event_id=event_id, score=_score(like))

    def sent(self, message: Feedback) -> None:
        """A rating is on its way; `changes` says what follows."""
        if message.event_id == self._response_id:
            self._rated_id = None if message.score is None else message.event_id

    def close(self) -> list[Report]:
        """The conversation ends, and with it what can be rated."""
        self._closed = True
        return self.changes()

    def changes(self) -> list[Report]:
        """Report whether feedback can be sent, if that has changed since the last report."""
        if self.available == self._reported:
            return []
        self._reported = self.available
        return [Report.of("on_can_send_feedback_change", self._reported)]

    def _reason(self) -> str:
        if self._response_id is None:
            return "there is no response to rate yet; wait until `can_send_feedback` is true"
        return (
            "the agent's latest response has been rated already; wait for the next one, pass its "
            "event_id to change the rating, or None as the rating to take it back"
        )


def _score(like: bool | None) -> Score | None:
    if like is None:
        return None
    return "like" if like else "dislike"
