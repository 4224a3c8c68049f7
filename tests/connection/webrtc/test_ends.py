from __future__ import annotations

import pytest
from livekit import rtc

from duologue.connection.webrtc.ends import KNOWN_REASONS, agent_left, room_ended

ON_PURPOSE = {
    "CLIENT_INITIATED",
    "SERVER_SHUTDOWN",
    "PARTICIPANT_REMOVED",
    "ROOM_DELETED",
    "ROOM_CLOSED",
}


def test_every_reason_of_livekit_is_known() -> None:
    assert set(rtc.DisconnectReason.keys()) == KNOWN_REASONS


@pytest.mark.parametrize("reason", sorted(KNOWN_REASONS))
def test_an_end_on_purpose_is_the_agents_and_a_loss_is_an_error(reason: str) -> None:
    for end in (room_ended(reason), agent_left(reason)):
        assert end.reason == ("agent" if reason in ON_PURPOSE else "error")
        if end.reason == "agent":
            assert end.message is None
            assert end.context["type"] == "close"
            assert reason in end.context["reason"]
        else:
            assert end.message
            assert reason in end.message
            assert end.context == {"type": "connection_state_changed"}
        assert end.close_code is None


def test_a_reason_of_a_later_livekit_is_an_error() -> None:
    assert room_ended("reason 99").reason == "error"
    assert "reason 99" in (agent_left("reason 99").message or "")
