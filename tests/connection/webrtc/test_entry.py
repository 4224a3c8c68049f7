from __future__ import annotations

import pytest

from duologue.connection.webrtc.entry import (
    RoomAccess,
    conversation_id_of,
    has_agents_sound,
    is_agent,
)


@pytest.mark.parametrize(
    ("room", "conversation_id"),
    [
        ("room_agent_1_conv_7AbC", "conv_7AbC"),
        ("conv_1_conv_2", "conv_1"),
        ("conv_", "conv_"),
        ("a room", "a room"),
        ("conv_a-b", "conv_a"),
    ],
)
def test_a_conversations_id_is_in_its_rooms_name(room: str, conversation_id: str) -> None:
    assert conversation_id_of(room) == conversation_id


def test_agents_are_known_by_their_identity() -> None:
    assert is_agent("agent")
    assert is_agent("agent_7")
    assert not is_agent("user_agent")
    assert has_agents_sound("my-agent")
    assert not has_agents_sound("user_1")


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(RoomAccess(livekit_url="wss://h", token="secret"))
