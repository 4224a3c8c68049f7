from __future__ import annotations

import ssl
from typing import Any

import pytest

from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.signed_urls import SignedUrlRequest
from duologue.conversation.options.route import Route, route

SIGNED = "wss://signed.example/v1/convai/conversation?agent_id=a&conversation_signature=s"
ORCHESTRATOR = {"url": "wss://orchestrator.example/convai?a=%2F"}

CONTEXT = ssl.create_default_context()


def test_an_agent_is_at_elevenlabs_unless_it_is_said_otherwise() -> None:
    found = route({"agent_id": "a"})
    assert str(found.url).startswith("wss://api.elevenlabs.io/v1/convai/conversation?agent_id=a&")
    assert found.origin == "wss://api.elevenlabs.io"
    assert found.subprotocols == ("convai",)
    assert found.signed_url_request is None
    assert found.ssl_context is None


def test_the_origin_comes_from_the_option_then_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "http://127.0.0.1:1")
    assert str(route({"agent_id": "a"}).url).startswith("ws://127.0.0.1:1/")
    assert route({"agent_id": "a"}).origin == "http://127.0.0.1:1"
    found = route({"agent_id": "a", "origin": "https://agents.example"})
    assert str(found.url).startswith("wss://agents.example/")


def test_a_region_is_one_of_elevenlabs_servers() -> None:
    found = route({"agent_id": "a", "region": "eu-residency", "api_key": "k"})
    assert str(found.url).startswith("wss://api.eu.residency.elevenlabs.io/v1/convai/conversation?")
    assert found.signed_url_request is not None
    assert found.signed_url_request.url.startswith("https://api.eu.residency.elevenlabs.io/")


def test_a_signed_url_has_its_server_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "http://127.0.0.1:1")
    found = route({"signed_url": SIGNED, "environment": "staging"})
    assert str(found.url).startswith(f"{SIGNED}&source=duologue&")
    assert str(found.url).endswith("&environment=staging")
    assert found.origin == "wss://signed.example"


def test_an_orchestrator_is_at_its_url_and_nothing_else_goes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "wss://mine")
    monkeypatch.setenv("DUOLOGUE_API_KEY", "k")
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    assert route({"orchestrator": ORCHESTRATOR}) == Route(
        url=ORCHESTRATOR["url"],
        origin=None,
        signed_url_request=None,
        subprotocols=(),
        ssl_context=None,
    )


def test_the_authorization_is_a_subprotocol() -> None:
    found = route({"agent_id": "a", "authorization": "t"})
    assert found.subprotocols == ("convai", "bearer.t")


def test_with_a_key_the_signed_url_is_asked_for_at_the_same_server() -> None:
    options = {"agent_id": "a", "api_key": "k", "origin": "wss://h", "environment": "staging"}
    assert route(options).signed_url_request == SignedUrlRequest(
        origin="wss://h", agent_id="a", key=ApiKey("k", "api_key"), environment="staging"
    )


def test_a_key_from_the_environment_is_used_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    request = route({"agent_id": "a"}).signed_url_request
    assert request is not None
    assert request.key == ApiKey("k", "ELEVENLABS_API_KEY")
    assert route({"agent_id": "a", "origin": "wss://h"}).signed_url_request is None
    assert route({"signed_url": SIGNED}).signed_url_request is None


def test_an_ssl_context_is_handed_on() -> None:
    for options in ({"agent_id": "a"}, {"signed_url": SIGNED}, {"orchestrator": ORCHESTRATOR}):
        assert route({**options, "ssl_context": CONTEXT}).ssl_context is CONTEXT


@pytest.mark.parametrize(
    "options",
    [
        {"agent_id": "a", "origin": "http://h"},
        {"signed_url": "ws://h/?s=secret"},
        {"orchestrator": {"url": "ws://h/?s=secret"}},
    ],
)
def test_an_ssl_context_contradicts_an_address_without_tls(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ssl_context and the address ws://h contradict each ot"):
        route({**options, "ssl_context": CONTEXT})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either agent_id .* signed_url .* or orchestrator .* is needed"),
        ({"agent_id": " "}, "agent_id is empty"),
        ({"agent_id": "a", "region": "eu"}, "no region 'eu'"),
        (
            {"agent_id": "a", "region": "us", "origin": "wss://h"},
            "origin=.* and region=.*contradict",
        ),
        ({"agent_id": "a", "api_key": "k", "origin": "ws://h"}, "never goes readably"),
        ({"agent_id": "a", "api_key": "two words"}, "api_key cannot be sent"),
        ({"agent_id": "a", "api_key": ""}, "api_key is empty"),
        ({"agent_id": "a", "authorization": ""}, "authorization is empty"),
        ({"signed_url": "https://h/?s=1"}, "signed_url is not .* must begin with 'wss://'"),
        ({"orchestrator": {"url": "https://h"}}, r"orchestrator\['url'\] is not a WebSocket URL"),
        ({"agent_id": "a", "origin": "elsewhere"}, "'elsewhere' is not the address of a server"),
        ({"agent_id": "a", "origin": ""}, "origin is empty"),
        ({"agent_id": "a", "authorization": "Bearer x"}, "without 'Bearer' before it"),
        ({"agent_id": "a", "authorization": "a\r\nb"}, "authorization cannot be sent"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        route(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": 7}, "agent_id must be a string, not int"),
        ({"signed_url": b"wss://h"}, "signed_url must be a string, not bytes"),
        ({"agent_id": "a", "ssl_context": True}, "ssl_context must be an ssl.SSLContext, not bool"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        route(options)


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="authorization") as raised:
        route({"agent_id": "a", "authorization": "my secret"})
    assert "my secret" not in str(raised.value)
    with pytest.raises(ValueError, match="orchestrator") as raised:
        route({"orchestrator": {"url": "https://h/?token=secret"}})
    assert "secret" not in str(raised.value)
