"""Which of the agent's sound may still be heard after an interruption."""

from __future__ import annotations


class Gate:
    """Lets pass what belongs to the latest interruption or to a later turn, and what has no id.

    Sound is on its way when the user interrupts; what arrives late carries a lower event id than
    the interruption. An equal id passes, as in ElevenLabs' JavaScript client.
    """

    def __init__(self) -> None:
        self._interruption_event_id = 0

    def interrupt(self, event_id: int | None) -> None:
        """Remember an interruption; one without an id moves nothing."""
        if event_id is not None:
            self._interruption_event_id = event_id

    def admits(self, event_id: int | None) -> bool:
        """True if sound with this event id may be heard.

        Sound without one is that of the moment: nothing of it is late.
        """
        return event_id is None or event_id >= self._interruption_event_id
