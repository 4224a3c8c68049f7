from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from duologue.agent.call.ends import CallRefused
from duologue.agent.call.opening import plan_call
from duologue.agent.call.variables import system_variables
from duologue.protocol.client_messages import ConversationInitiation
from tests.agent.harness import define

NOW = datetime(2026, 7, 3, 22, 5, 9, tzinfo=UTC)


def variables(given: dict[str, Any] | None = None, user_id: str | None = None) -> dict[str, Any]:
    return system_variables(
        define(text_only=True), given or {}, conversation_id="conv_1", user_id=user_id, now=NOW
    )


def test_the_system_knows_the_agent_the_conversation_and_the_time() -> None:
    assert variables() == {
        "system__agent_id": "test",
        "system__current_agent_id": "test",
        "system__conversation_id": "conv_1",
        "system__time_utc": "2026-07-03T22:05:09+00:00",
        "system__time": "Friday, 22:05 03 July 2026",
        "system__timezone": "UTC",
        "system__caller_id": "",
        "system__called_number": "",
        "system__call_sid": "",
        "system__call_duration_secs": 0,
        "system__agent_turns": 0,
        "system__current_agent_turns": 0,
        "system__is_text_only": True,
    }


def test_the_client_knows_the_time_zone_and_the_telephone() -> None:
    given = {
        "system__timezone": "Asia/Tokyo",
        "system__caller_id": "+4912345",
        "system__called_number": "+4954321",
        "system__call_sid": "CA1",
    }
    found = variables(given, user_id="ada")
    assert found.items() >= given.items()
    assert found["system__time"] == "Saturday, 07:05 04 July 2026"
    assert variables(user_id="ada")["system__caller_id"] == "ada"


def test_a_client_cannot_say_who_the_agent_is() -> None:
    given = {"system__agent_id": "other", "system__conversation_id": "other"}
    found = variables(given)
    assert found["system__agent_id"] == "test"
    assert found["system__conversation_id"] == "conv_1"


@pytest.mark.parametrize("zone", ["Atlantis", "", "../../etc/passwd", 5, "Europe/\0"])
def test_a_time_zone_that_is_none_ends_the_call_with_a_sentence(zone: object) -> None:
    initiation = ConversationInitiation(dynamic_variables={"system__timezone": zone})
    with pytest.raises(CallRefused, match="time zone such as 'Europe/Lisbon'"):
        plan_call(define(), initiation)


def test_they_stand_in_the_texts() -> None:
    agent = define(first_message="It is {{system__time}}.", prompt="{{ system__conversation_id }}")
    plan = plan_call(agent, ConversationInitiation(), conversation_id="conv_9", now=NOW)
    assert plan.first_message == "It is Friday, 22:05 03 July 2026."
    assert plan.instructions == "conv_9"
