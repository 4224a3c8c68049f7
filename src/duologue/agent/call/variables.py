"""The variables that the system fills in, under the names of ElevenLabs' documentation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from duologue.agent.definition import AgentDefinition, DynamicVariable

PREFIX: Final = "system__"

OF_THE_CLIENT: Final = (
    "system__timezone",
    "system__caller_id",
    "system__called_number",
    "system__call_sid",
)
"""What only the client can know: where the user is, and what a telephone tells."""


def system_variables(
    definition: AgentDefinition,
    given: Mapping[str, DynamicVariable],
    *,
    conversation_id: str,
    user_id: str | None,
    now: datetime,
) -> dict[str, DynamicVariable]:
    """All that apply here, as they are when a conversation begins.

    Args:
        definition: the agent, overrides applied.
        given: the client's own variables; of those of the system, some are taken from there.
        conversation_id: of this conversation.
        user_id: whom the client says the user to be; stands in for a caller's number.
        now: the time, aware of its zone.

    Raises:
        ValueError: the time zone is none.
    """
    of_client = {name: given[name] for name in OF_THE_CLIENT if name in given}
    zone = of_client.get("system__timezone", "UTC")
    return {
        "system__caller_id": user_id or "",
        "system__called_number": "",
        "system__call_sid": "",
        **of_client,
        "system__agent_id": definition.agent_id,
        "system__current_agent_id": definition.agent_id,
        "system__conversation_id": conversation_id,
        "system__time_utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "system__time": f"{now.astimezone(_zone(zone)):%A, %H:%M %d %B %Y}",
        "system__timezone": zone,
        "system__call_duration_secs": 0,
        "system__agent_turns": 0,
        "system__current_agent_turns": 0,
        "system__is_text_only": definition.conversation_config.conversation.text_only,
    }


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (OSError, ValueError, LookupError):  # ZoneInfoNotFoundError is a LookupError
        raise ValueError(
            f"system__timezone must be a time zone such as 'Europe/Lisbon', not {name!r:.60}"
        ) from None
