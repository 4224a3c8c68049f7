from __future__ import annotations

import itertools
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.conversation.options import SessionPlan, plan_session
from duologue.conversation.options.route import route
from duologue.conversation.options.transport import check_transport

SIGNED = "wss://signed.example/v1/convai/conversation?agent_id=a&conversation_signature=s"
ORCHESTRATOR = {"url": "wss://orchestrator.example/convai?a=%2F"}

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
    *itertools.product(("signed_url", "orchestrator", "authorization"), ("livekit_url", "web_rtc")),
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
        *((name, "webrtc") for name in ("signed_url", "orchestrator", "authorization")),
        *((name, "websocket") for name in ("conversation_token", "livekit_url", "web_rtc")),
    ],
)
def test_an_option_of_the_other_transport_contradicts_the_chosen_one(
    name: str, transport: str
) -> None:
    pattern = f"{name} and connection_type='{transport}' contradict each other: .*leave one"
    with pytest.raises(ValueError, match=pattern):
        check_transport({name: VALUES[name], "connection_type": transport})


def test_websocket_may_be_asked_for() -> None:
    assert route({"agent_id": "a", "connection_type": "websocket"}) == route({"agent_id": "a"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": "a", "connection_type": "http"}, "'websocket' or 'webrtc', not 'http'"),
        ({"web_rtc": {"policy": 1}}, "web_rtc has no 'policy'"),
    ],
)
def test_what_no_transport_knows_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_transport(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": "a", "connection_type": 1}, "connection_type must be a string, not int"),
        ({"agent_id": "a", "web_rtc": "relay"}, "web_rtc must be a mapping, not str"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_transport(options)


@pytest.mark.parametrize("name", ["conversation_token", "livekit_url", "web_rtc"])
def test_what_needs_webrtc_is_refused_with_what_to_do_instead(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} asks for WebRTC.*WebSocket only; .*pass agent_"):
        check_transport({name: VALUES[name]})
    with pytest.raises(ValueError, match=r"connection_type='webrtc'.*WebSocket only; leave"):
        check_transport({"agent_id": "a", "connection_type": "webrtc"})


ANYTHING = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(value) for name, value in VALUES.items()},
        "connection_type": st.sampled_from(["websocket", "webrtc", "http"]),
        "origin": st.sampled_from(["wss://h", "ws://h", "ws://localhost:1", "nowhere"]),
        "region": st.sampled_from(["us", "eu-residency", "eu"]),
        "signed_url": st.sampled_from([SIGNED, "ws://h/?s=1", "https://h/?s=1"]),
    },
)


def plan_or_refusal(options: dict[str, Any]) -> SessionPlan | str:
    try:
        return plan_session(options, text_only=True)
    except ValueError as error:
        return str(error)


@given(ANYTHING)
def test_any_options_lead_somewhere_or_one_of_them_is_named(options: dict[str, Any]) -> None:
    agents = [name for name in ("agent_id", "signed_url", "orchestrator") if name in options]
    found = plan_or_refusal(options)
    if isinstance(found, str):
        # Without an agent, what is missing is named instead.
        assert any(name in found for name in (options if agents else (*options, "agent_id")))
        return
    assert len(agents) == 1
    assert found.route.url.startswith(("ws://", "wss://"))
    assert (found.origin is None) == ("orchestrator" in options)
    assert (found.route.signed_url_request is not None) == ("api_key" in options)
    assert not {"conversation_token", "livekit_url", "web_rtc"} & options.keys()
    assert options.get("connection_type") in (None, "websocket")
