from __future__ import annotations

import ssl
from typing import Any

import pytest

from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.tokens import TokenRequest
from duologue.conversation.options import plan_session
from duologue.conversation.options.route import route

LIVEKIT = "wss://livekit.example"


def test_a_token_for_an_agent_is_asked_for() -> None:
    way = route(
        {
            "agent_id": "a",
            "connection_type": "webrtc",
            "origin": "wss://h",
            "api_key": "k",
            "environment": "staging",
        }
    )
    assert way.url is None
    assert way.origin == "wss://h"
    assert way.room is not None
    assert way.room.livekit_url is None
    assert not way.room.is_inferred
    assert way.room.token_request == TokenRequest(
        origin="wss://h", agent_id="a", key=ApiKey("k", "api_key"), environment="staging"
    )


@pytest.mark.parametrize(
    ("region", "livekit_url"),
    [
        ({}, "wss://livekit.rtc.elevenlabs.io"),
        ({"livekit_url": ""}, "wss://livekit.rtc.elevenlabs.io"),
        ({"region": "us"}, "wss://livekit.rtc.elevenlabs.io"),
        ({"region": "eu-residency"}, "wss://livekit.rtc.eu.residency.elevenlabs.io"),
        ({"region": "in-residency"}, "wss://livekit.rtc.in.residency.elevenlabs.io"),
        ({"region": "eu-residency", "livekit_url": LIVEKIT}, LIVEKIT),
        ({"origin": "https://h", "livekit_url": LIVEKIT}, LIVEKIT),
    ],
)
def test_a_token_is_for_the_livekit_server_of_its_region(
    region: dict[str, str], livekit_url: str
) -> None:
    plan = plan_session({"conversation_token": " t\n", **region}, text_only=False)
    assert plan.route.room is not None
    assert plan.route.room.livekit_url == livekit_url
    assert plan.route.room.token == "t"
    assert plan.route.signed_url_request is None


@pytest.mark.parametrize("where", [{"origin": "wss://h"}, {"region": "sg-residency"}])
def test_a_token_goes_to_nobody_by_mistake(where: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"nothing says on which LiveKit server.*livekit_url"):
        route({"conversation_token": "t", **where})


@pytest.mark.parametrize("url", ["http://h", "livekit.example", "wss://"])
def test_an_address_of_livekit_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="livekit_url is not a WebSocket URL"):
        route({"agent_id": "a", "livekit_url": url})


def test_a_token_is_in_no_repr() -> None:
    assert "secret" not in repr(plan_session({"conversation_token": "secret"}, text_only=True))


def test_where_webrtc_is_only_the_default_websocket_stays_possible() -> None:
    way = route({"agent_id": "a", "origin": "wss://h"})
    assert way.room is not None
    assert way.room.is_inferred
    assert way.url is not None
    assert way.url.startswith("wss://h/v1/convai/conversation?agent_id=a&")


def test_an_authority_of_ones_own_holds_for_the_request_of_a_token() -> None:
    context = ssl.create_default_context()
    options = {"agent_id": "a", "connection_type": "webrtc", "ssl_context": context}
    assert route({**options, "origin": "wss://h"}).ssl_context is context
    with pytest.raises(ValueError, match="ssl_context and the address ws://h contradict"):
        route({**options, "origin": "ws://h"})
