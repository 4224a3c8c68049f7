"""Which of the agent's sound may still be heard after an interruption."""

from __future__ import annotations

from typing import Final

PAUSE_MS: Final = 1000.0
"""So long nothing comes of an agent that has ended an answer; between sentences it is less."""


class Gate:
    """Lets pass what belongs to the latest interruption or to a later turn, and what has no id.

    Sound is on its way when the user interrupts; what arrives late carries a lower event id than
    the interruption. An equal id passes, as in ElevenLabs' JavaScript client.

    The caller may silence an answer as well: then nothing of it passes until a new one begins.
    """

    def __init__(self) -> None:
        self._interruption_event_id = 0
        self._silenced_event_id: int | None = None
        self._silenced_at_ms: float | None = None

    def interrupt(self, event_id: int | None) -> None:
        """Remember an interruption; one without an id moves nothing."""
        if event_id is not None:
            self._interruption_event_id = event_id

    def silence(self, event_id: int | None, now_ms: float) -> None:
        """Let nothing more of an answer be heard.

        Args:
            event_id: the answer's, by which its sound is known.
            now_ms: sound that has no id is that of the answer until the user has asked anew, or
                until none has come for `PAUSE_MS`.
        """
        self._silenced_event_id = event_id
        self._silenced_at_ms = now_ms

    def new_turn(self) -> None:
        """The user has asked something, or has interrupted: what comes now is new."""
        self._silenced_at_ms = None

    def admits(self, event_id: int | None, now_ms: float) -> bool:
        """True if sound with this event id may be heard.

        Sound without one is that of the moment: nothing of it is late.
        """
        if event_id is None:
            return self._admits_without_id(now_ms)
        if self._silenced_event_id is not None and event_id <= self._silenced_event_id:
            return False
        return event_id >= self._interruption_event_id

    def _admits_without_id(self, now_ms: float) -> bool:
        if self._silenced_at_ms is None:
            return True
        if now_ms - self._silenced_at_ms >= PAUSE_MS:
            self._silenced_at_ms = None
            return True
        self._silenced_at_ms = now_ms
        return False
