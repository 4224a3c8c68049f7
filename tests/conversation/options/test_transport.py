from __future__ import annotations

import itertools
import re
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.connection.webrtc.entry import RoomSettings
from duologue.conversation.options import SessionPlan, plan_session
from duologue.conversation.options.route import route
from duologue.conversation.options.transport import (
    asked_transport,
    check_transport,
    inferred_transport,
    room_settings,
)

SIGNED = "wss://signed.example/v1/convai/conversation?agent_id=a&conversation_signature=s"
ORCHESTRATOR = {"url": "wss://orchestrator.example/convai?a=%2F"}

WEBSOCKET_ONLY = ("signed_url", "orchestrator", "authorization")
WEBRTC_ONLY = ("conversation_token", "livekit_url", "web_rtc")

VALUES: dict[str, Any] = {
    "agent_id": "a",
    "signed_url": SIGNED,
    "conversation_token": "t",
    "orchestrator": ORCHESTRATOR,
    "connection_type": "websocket",
    "livekit_url": "wss://livekit.example",
    "web_rtc": {"ice_transport_policy": "relay"},
    "authorization": "t",
    "api_key": "k",
    "origin": "wss://h",
    "region": "us",
    "environment": "staging",
    "ssl_context": ssl.create_default_context(),
}


CONTRADICTORY = [
    ("agent_id", "signed_url"),
    ("agent_id", "conversation_token"),
    ("signed_url", "conversation_token"),
    ("api_key", "signed_url"),
    ("api_key", "conversation_token"),
    ("origin", "signed_url"),
    ("region", "signed_url"),
    ("environment", "conversation_token"),
    ("authorization", "conversation_token"),
    *(
        (name, "orchestrator")
        for name in VALUES
        if name not in ("orchestrator", "connection_type", "ssl_context")
    ),
    *itertools.product(WEBSOCKET_ONLY, ("livekit_url", "web_rtc")),
]


@pytest.mark.parametrize(("first", "second"), CONTRADICTORY)
def test_options_that_contradict_each_other_are_both_named(first: str, second: str) -> None:
    with pytest.raises(ValueError, match=r"contradict each other: .*(leave|pass)") as raised:
        check_transport({first: VALUES[first], second: VALUES[second]})
    assert first in str(raised.value)
    assert second in str(raised.value)


@pytest.mark.parametrize(
    ("name", "transport"),
    [
        *((name, "webrtc") for name in WEBSOCKET_ONLY),
        *((name, "websocket") for name in WEBRTC_ONLY),
    ],
)
def test_an_option_of_the_other_transport_contradicts_the_chosen_one(
    name: str, transport: str
) -> None:
    pattern = f"{name} and connection_type='{transport}' contradict each other: .*leave one"
    with pytest.raises(ValueError, match=pattern):
        check_transport({name: VALUES[name], "connection_type": transport})


def test_websocket_may_be_asked_for() -> None:
    asked = route({"agent_id": "a", "connection_type": "websocket"})
    assert asked == route({"agent_id": "a"}, text_only=True)
    assert asked.room is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": "a", "connection_type": "http"}, "'websocket' or 'webrtc', not 'http'"),
        ({"web_rtc": {"policy": 1}}, "web_rtc has no 'policy'"),
        (
            {"web_rtc": {"ice_transport_policy": "none"}},
            "ice_transport_policy'] must be 'all' or 'relay', not 'none'",
        ),
    ],
)
def test_what_no_transport_knows_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_transport(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": "a", "connection_type": 1}, "connection_type must be a string, not int"),
        ({"agent_id": "a", "web_rtc": "relay"}, "web_rtc must be a mapping, not str"),
        (
            {"web_rtc": {"single_peer_connection": 1}},
            r"web_rtc\['single_peer_connection'\] must be True or False, not int",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_transport(options)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"agent_id": "a"}, None),
        ({"agent_id": "a", "origin": "wss://h", "environment": "staging"}, None),
        ({"agent_id": "a", "connection_type": "websocket"}, "websocket"),
        ({"agent_id": "a", "connection_type": "webrtc"}, "webrtc"),
        *(({name: VALUES[name]}, "webrtc") for name in WEBRTC_ONLY),
        *(({name: VALUES[name]}, "websocket") for name in WEBSOCKET_ONLY),
    ],
)
def test_what_belongs_to_one_transport_asks_for_it(
    options: dict[str, Any], asked: str | None
) -> None:
    assert asked_transport(options) == asked


def test_voice_goes_over_webrtc_and_writing_and_agents_in_memory_over_websocket() -> None:
    assert inferred_transport("wss://h", text_only=False) == "webrtc"
    assert inferred_transport("wss://h", text_only=True) == "websocket"
    assert inferred_transport("memory://agent-1", text_only=False) == "websocket"


def test_how_a_room_finds_its_way_is_for_the_caller_to_say() -> None:
    settings = room_settings(
        {"web_rtc": {"ice_transport_policy": "relay", "single_peer_connection": False}}
    )
    assert settings == RoomSettings(ice_transport_policy="relay", single_peer_connection=False)
    assert room_settings({}) == RoomSettings(ice_transport_policy="all")


ANYTHING = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(value) for name, value in VALUES.items()},
        "connection_type": st.sampled_from(["websocket", "webrtc", "http"]),
        "livekit_url": st.sampled_from(["wss://livekit.example", "ws://127.0.0.1:1", "http://h"]),
        "origin": st.sampled_from(["wss://h", "ws://h", "ws://localhost:1", "nowhere"]),
        "region": st.sampled_from(["us", "eu-residency", "eu"]),
        "signed_url": st.sampled_from([SIGNED, "ws://h/?s=1", "https://h/?s=1"]),
    },
)


AGENTS = ("agent_id", "signed_url", "conversation_token", "orchestrator")


def plan_or_refusal(options: dict[str, Any]) -> SessionPlan | str:
    try:
        return plan_session(options, text_only=True)
    except ValueError as error:
        return str(error)


@given(ANYTHING)
def test_any_options_lead_somewhere_or_one_of_them_is_named(options: dict[str, Any]) -> None:
    agents = [name for name in AGENTS if name in options]
    found = plan_or_refusal(options)
    if isinstance(found, str):
        # Without an agent, what is missing is named instead.
        assert any(name in found for name in (options if agents else (*options, "agent_id")))
        return
    assert len(agents) == 1
    assert (found.origin is None) == ("orchestrator" in options)
    url, room = found.route.url, found.route.room
    assert (url is None) == (room is not None) == (asked_transport(options) == "webrtc")
    if url is not None:
        assert url.startswith(("ws://", "wss://"))
        assert (found.route.signed_url_request is not None) == ("api_key" in options)
    if room is not None:
        assert (room.token is None) == (room.token_request is not None) == ("agent_id" in options)
