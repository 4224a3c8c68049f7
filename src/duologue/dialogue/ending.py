"""What ends a session, and when.

The agent ends a call with its `end_call` tool, or its server closes the connection regularly. What
it has said until then is still to be heard, so the end waits for the play-out, for a limited time.
An error, a lost connection and a call that has reached its longest duration end at once.
"""

from __future__ import annotations

from dataclasses import replace

from duologue.dialogue.actions import Action, End
from duologue.dialogue.values import Disconnection
from duologue.protocol.server_events import (
    AgentToolResponseEvent,
    AgentToolResponseFullPayloadEvent,
    ErrorEvent,
)

FAREWELL_LIMIT_MS = 30_000
"""How long the end waits at most for the agent's last words to be heard."""

_END_CALL_TOOL = "end_call"
_MAX_DURATION = "max_duration_exceeded"


class Ending:
    """Decides when the session ends because of what the server says or does."""

    def __init__(self) -> None:
        self._farewell: Disconnection | None = None
        self._farewell_deadline_ms: float | None = None
        self._error_message: str | None = None

    @property
    def next_deadline_ms(self) -> float | None:
        """When `tick` has something to do next, or None."""
        return self._farewell_deadline_ms

    def tool_response(
        self,
        event: AgentToolResponseEvent | AgentToolResponseFullPayloadEvent,
        now_ms: float,
        *,
        playing: bool,
    ) -> list[Action]:
        """End after the last words if the agent has hung up; a failed `end_call` ends nothing."""
        if event.tool_name != _END_CALL_TOOL or event.is_error:
            return []
        return self._end_after_last_words(_hung_up(), now_ms, playing=playing)

    def closed(self, disconnection: Disconnection, now_ms: float, *, playing: bool) -> list[Action]:
        """The connection has ended. A regular end lets the last words be heard.

        It is no regular one if the server has reported an error before, and has not gone on since:
        some servers name the reason so, and then close with the code of a regular end.
        """
        if disconnection.reason != "agent":
            return [End(disconnection)]
        if self._farewell is not None:
            self._farewell = replace(
                self._farewell,
                close_code=disconnection.close_code,
                close_reason=disconnection.close_reason,
            )
            return []
        if self._error_message is not None:
            error = replace(disconnection, reason="error", message=self._error_message)
            return [End(error)]
        return self._end_after_last_words(disconnection, now_ms, playing=playing)

    def error(self, event: ErrorEvent, message: str) -> list[Action]:
        """The server reports an error. End at once if the call has reached its longest duration."""
        if event.error_type != _MAX_DURATION:
            self._error_message = message
            return []
        message = event.message or event.reason or "the call reached its longest duration"
        return [
            End(Disconnection(reason="error", message=message, context={"type": _MAX_DURATION}))
        ]

    def went_on(self) -> None:
        """The user was understood: what went wrong before has ended nothing."""
        self._error_message = None

    def played_out(self) -> list[Action]:
        """All that was queued has been heard."""
        if self._farewell is None:
            return []
        farewell, self._farewell, self._farewell_deadline_ms = self._farewell, None, None
        return [End(farewell)]

    def tick(self, now_ms: float) -> list[Action]:
        """End even though the last words are still playing, once the limit is reached."""
        if self._farewell_deadline_ms is None or now_ms < self._farewell_deadline_ms:
            return []
        return self.played_out()

    def _end_after_last_words(
        self, disconnection: Disconnection, now_ms: float, *, playing: bool
    ) -> list[Action]:
        if not playing:
            return [End(disconnection)]
        self._farewell = disconnection
        self._farewell_deadline_ms = now_ms + FAREWELL_LIMIT_MS
        return []


def _hung_up() -> Disconnection:
    return Disconnection(
        reason="agent",
        context={"type": _END_CALL_TOOL, "reason": "the agent ended the call with its tool"},
    )
