"""Which events end a session, and when.

The agent ends a call with its `end_call` tool. What it has said until then is still to be heard,
so the end waits for the play-out, for a limited time. A call that has reached its longest
duration ends at once.
"""

from __future__ import annotations

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
    """Decides when the session ends because the server's events say so."""

    def __init__(self) -> None:
        self._farewell_deadline_ms: float | None = None

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
        if not playing:
            return [End(_hung_up())]
        self._farewell_deadline_ms = now_ms + FAREWELL_LIMIT_MS
        return []

    def error(self, event: ErrorEvent) -> list[Action]:
        """End at once if the call has reached its longest duration."""
        if event.error_type != _MAX_DURATION:
            return []
        message = event.message or event.reason or "the call reached its longest duration"
        return [
            End(Disconnection(reason="error", message=message, context={"type": _MAX_DURATION}))
        ]

    def played_out(self) -> list[Action]:
        """All that was queued has been heard."""
        if self._farewell_deadline_ms is None:
            return []
        self._farewell_deadline_ms = None
        return [End(_hung_up())]

    def tick(self, now_ms: float) -> list[Action]:
        """End even though the last words are still playing, once the limit is reached."""
        if self._farewell_deadline_ms is None or now_ms < self._farewell_deadline_ms:
            return []
        return self.played_out()


def _hung_up() -> Disconnection:
    return Disconnection(
        reason="agent",
        context={"type": _END_CALL_TOOL, "reason": "the agent ended the call with its tool"},
    )
