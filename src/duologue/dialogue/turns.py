"""How long each turn took, from the end of the user's speech to the agent being heard."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class TurnMetrics:
    """The times of one turn, in ms since the user finished.

    The user has finished at the end of the last voiced 10 ms frame that went out, or, for a
    written message, when it was sent. A time is None if the turn had no such moment, or if it
    came out of order.

    Attributes:
        event_id: the server's id of the agent's response.
        transcript_ms: the user's words arrived as text.
        first_text_ms: the first text of the answer arrived.
        first_audio_ms: the first sound of the answer arrived.
        audible_ms: the first audible sample of the answer was played.
    """

    event_id: int | None = None
    transcript_ms: float | None = None
    first_text_ms: float | None = None
    first_audio_ms: float | None = None
    audible_ms: float | None = None

    @property
    def latency_ms(self) -> float | None:
        """How long the user waited: until the answer was heard or, in writing, until its start."""
        return self.audible_ms if self.audible_ms is not None else self.first_text_ms


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """The moments of the turn that is going on, by the clock, in ms.

    Attributes:
        is_turn: whether the user is known to have said or written something. Voice alone may have
            been a cough.
    """

    is_turn: bool = False
    event_id: int | None = None
    transcript: float | None = None
    first_text: float | None = None
    first_audio: float | None = None


class Turns:
    """Collects the moments of a turn and sums them up when the answer begins.

    A turn of a spoken conversation is complete when the answer is audible, one of a written
    conversation with the first text of the answer. An answer that no user speech or message
    precedes, such as the greeting, is no turn.

    Args:
        text_only: whether the conversation is a written one.
    """

    def __init__(self, *, text_only: bool) -> None:
        self._text_only = text_only
        self._voiced_until_ms: float | None = None
        self._user_finished_ms: float | None = None
        self._moments = _Moments()

    def user_voiced(self, until_ms: float) -> None:
        """The user's voice went out, and at `until_ms` it was still to be heard."""
        self._voiced_until_ms = until_ms

    def user_wrote(self, now_ms: float) -> None:
        """The user sent a message; earlier moments belong to an earlier turn."""
        self._user_finished_ms = now_ms
        self._moments = _Moments(is_turn=True)

    def transcript(self, now_ms: float) -> None:
        """The user's words arrived as text, which begins a turn.

        What is voiced from now on, a cough or the echo of the answer, belongs to the next one.
        """
        self._user_finished_ms, self._voiced_until_ms = self._voiced_until_ms, None
        self._moments = _Moments(is_turn=True, transcript=now_ms)

    def text(self, event_id: int | None, now_ms: float) -> TurnMetrics | None:
        """Text of the answer arrived. Returns the metrics of a written turn with its first."""
        if self._moments.first_text is None:
            self._moments = replace(self._moments, first_text=now_ms, event_id=event_id)
            if self._text_only:
                return self._complete(None)
        return None

    def audio(self, event_id: int | None, now_ms: float) -> None:
        """Sound of the answer arrived."""
        if self._moments.first_audio is None:
            if event_id is None:
                event_id = self._moments.event_id
            self._moments = replace(self._moments, first_audio=now_ms, event_id=event_id)

    def audible(self, at_ms: float) -> TurnMetrics | None:
        """The answer began to be heard. Returns the turn's metrics if it answered the user."""
        return self._complete(at_ms)

    def _complete(self, audible_ms: float | None) -> TurnMetrics | None:
        finished_ms, moments = self._user_finished_ms, self._moments
        self._user_finished_ms = None
        self._moments = _Moments()
        if finished_ms is None or not moments.is_turn:
            return None

        def since_finished(moment: float | None) -> float | None:
            return None if moment is None or moment < finished_ms else moment - finished_ms

        return TurnMetrics(
            event_id=moments.event_id,
            transcript_ms=since_finished(moments.transcript),
            first_text_ms=since_finished(moments.first_text),
            first_audio_ms=since_finished(moments.first_audio),
            audible_ms=since_finished(audible_ms),
        )
