"""Which key goes to which server."""

from __future__ import annotations

import pytest

from duologue.connection.http.credentials import ApiKey, api_key_for, is_loopback

BOTH = {
    "DUOLOGUE_ORIGIN": "https://mine.example/",
    "DUOLOGUE_API_KEY": "of-mine",
    "ELEVENLABS_API_KEY": "of-elevenlabs",
}


@pytest.mark.parametrize("given", ["of-the-caller"])
@pytest.mark.parametrize("origin", ["wss://mine.example", "wss://api.elevenlabs.io", "wss://h"])
def test_the_callers_key_comes_first_everywhere(origin: str, given: str) -> None:
    key = api_key_for(origin, given, BOTH)
    assert key == ApiKey(given, "api_key")
    assert key.is_explicit


def test_the_key_of_a_server_of_ones_own_goes_to_that_server() -> None:
    key = api_key_for("wss://mine.example", None, BOTH)
    assert key == ApiKey("of-mine", "DUOLOGUE_API_KEY")
    assert not key.is_explicit


@pytest.mark.parametrize(
    "origin", ["wss://api.elevenlabs.io", "https://api.eu.residency.elevenlabs.io:443/"]
)
def test_the_key_of_elevenlabs_goes_to_elevenlabs(origin: str) -> None:
    assert api_key_for(origin, None, BOTH) == ApiKey("of-elevenlabs", "ELEVENLABS_API_KEY")


@pytest.mark.parametrize(
    "origin",
    [
        "ws://api.elevenlabs.io",
        "wss://api.elevenlabs.io:8443",
        "wss://api.elevenlabs.io.example",
        "wss://evil-api.elevenlabs.io",
        "wss://api.elevenlabs.io@example",
        "wss://mine.example:8443",
        "ws://mine.example",
        "wss://other.mine.example",
        "ws://127.0.0.1:8080",
    ],
)
def test_a_key_of_the_environment_goes_nowhere_else(origin: str) -> None:
    assert api_key_for(origin, None, BOTH) is None


def test_a_key_without_a_server_of_ones_own_is_not_used() -> None:
    assert api_key_for("wss://api.elevenlabs.io", None, {"DUOLOGUE_API_KEY": "k"}) is None


@pytest.mark.parametrize("empty", [{}, {"ELEVENLABS_API_KEY": ""}])
def test_an_empty_variable_is_no_key(empty: dict[str, str]) -> None:
    assert api_key_for("wss://api.elevenlabs.io", None, empty) is None


@pytest.mark.parametrize("origin", ["ws://h", "http://10.0.0.1:8080", "ws://localhost.example"])
def test_no_key_goes_readably_over_a_network(origin: str) -> None:
    with pytest.raises(ValueError, match="api_key and the address ws:") as raised:
        api_key_for(origin, "secret", {})
    assert "secret" not in str(raised.value)


def test_nor_does_the_key_of_a_server_of_ones_own() -> None:
    environment = {"DUOLOGUE_ORIGIN": "http://mine.example", "DUOLOGUE_API_KEY": "secret"}
    with pytest.raises(ValueError, match="DUOLOGUE_API_KEY and the address ws:"):
        api_key_for("http://mine.example", None, environment)


@pytest.mark.parametrize(
    "origin", ["ws://127.0.0.1:8080", "http://localhost:8080", "ws://[::1]:8080", "ws://127.9.9.9"]
)
def test_to_this_machine_a_key_may_go_as_it_is(origin: str) -> None:
    assert is_loopback(origin)
    assert api_key_for(origin, "k", {}) is not None


@pytest.mark.parametrize("key", ["", " ", "secret\n", "se cret", "secrét", "secret\r\nHost: x"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="api_key cannot be sent") as raised:
        api_key_for("wss://h", key, {})
    assert "cret" not in str(raised.value)


def test_the_representation_of_a_key_hides_it() -> None:
    assert repr(ApiKey("secret", "api_key")) == "ApiKey(name='api_key')"
