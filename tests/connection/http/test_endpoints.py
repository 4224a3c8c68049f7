from __future__ import annotations

from typing import get_args
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.connection.http.endpoints import (
    DEFAULT_ORIGIN,
    ELEVENLABS_HOSTS,
    REGION_ORIGINS,
    Region,
    chosen_origin,
    conversation_part_url,
    conversation_url,
    http_origin,
    origin_of,
    server_of,
    signed_conversation_url,
    socket_origin,
    socket_url,
    version,
)


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, strict_parsing=True)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("wss://api.elevenlabs.io", "wss://api.elevenlabs.io"),
        ("https://agents.example/", "wss://agents.example"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080"),
        ("ws://[::1]:8080", "ws://[::1]:8080"),
        ("HTTPS://agents.example/behind/a/proxy/", "wss://agents.example/behind/a/proxy"),
        ("memory://agent-1", "memory://agent-1"),
    ],
)
def test_an_origin_of_any_scheme_becomes_one_of_sockets(origin: str, expected: str) -> None:
    assert socket_origin(origin) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("wss://api.elevenlabs.io", "https://api.elevenlabs.io"),
        ("ws://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://ws.example", "http://ws.example"),
    ],
)
def test_an_origin_of_any_scheme_becomes_one_of_http(origin: str, expected: str) -> None:
    assert http_origin(origin) == expected


def test_an_origin_that_is_given_is_chosen_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DUOLOGUE_ORIGIN", raising=False)
    assert chosen_origin(None) == DEFAULT_ORIGIN
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "wss://mine")
    assert chosen_origin(None) == "wss://mine"
    assert chosen_origin("wss://given") == "wss://given"


@pytest.mark.parametrize(
    ("region", "origin"),
    [
        ("us", "wss://api.elevenlabs.io"),
        ("global", "wss://api.elevenlabs.io"),
        ("eu-residency", "wss://api.eu.residency.elevenlabs.io"),
        ("in-residency", "wss://api.in.residency.elevenlabs.io"),
        ("sg-residency", "wss://api.sg.residency.elevenlabs.io"),
    ],
)
def test_a_region_is_chosen_whatever_the_environment_says(
    region: str, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "wss://mine")
    assert chosen_origin(None, region) == origin


def test_every_region_is_one_of_elevenlabs() -> None:
    assert set(REGION_ORIGINS) == set(get_args(Region))
    hosts = {urlsplit(origin).hostname for origin in REGION_ORIGINS.values()}
    assert hosts < ELEVENLABS_HOSTS


def test_a_region_and_an_origin_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="origin='wss://h' and region='us' contradict"):
        chosen_origin("wss://h", "us")


def test_a_region_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="no region 'eu'; expected one of us, global, eu-resi"):
        chosen_origin(None, "eu")


def test_of_a_url_only_the_server_is_shown() -> None:
    assert server_of("wss://me:secret@host:1/secret?s=secret") == "wss://host:1"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "api.elevenlabs.io",
        "ftp://api.elevenlabs.io",
        "wss://",
        "wss://host?agent_id=1",
        "wss://host#here",
        "wss://host:99999",
        "wss://host:port",
        "wss://[::1",
    ],
)
def test_what_is_no_origin_is_refused_with_an_example(origin: str) -> None:
    with pytest.raises(ValueError, match=r"expected something like 'wss://api\.elevenlabs\.io'"):
        socket_origin(origin)


@pytest.mark.parametrize("region", [None, "us"])
def test_a_password_in_an_origin_is_not_shown(region: str | None) -> None:
    with pytest.raises(ValueError, match="origin='…@host'") as refused:
        socket_origin(chosen_origin("ftp://me:secret@host", region))
    assert "secret" not in str(refused.value)


def test_a_variable_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "mine.example")
    with pytest.raises(ValueError, match=r"DUOLOGUE_ORIGIN='mine\.example' is not the address"):
        chosen_origin(None)


def test_the_url_names_agent_and_client() -> None:
    url = conversation_url(DEFAULT_ORIGIN, "agent_1")
    assert url.startswith("wss://api.elevenlabs.io/v1/convai/conversation?")
    assert query_of(url) == {
        "agent_id": ["agent_1"],
        "source": ["duologue"],
        "version": [version()],
    }


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_whatever_an_agent_is_called_arrives_as_it_is(agent_id: str) -> None:
    url = conversation_url(DEFAULT_ORIGIN, agent_id, environment=agent_id)
    assert url.isascii()
    assert query_of(url)["agent_id"] == [agent_id]
    assert query_of(url)["environment"] == [agent_id]


def test_a_signed_url_stays_as_it_is_in_front_of_what_is_appended() -> None:
    signed = "wss://api.elevenlabs.io/v1/convai/conversation?agent_id=a&signature=x%2B%2F%3D"
    url = signed_conversation_url(signed, environment="staging")
    assert url.startswith(f"{signed}&source=duologue&version=")
    assert query_of(url)["environment"] == ["staging"]


@pytest.mark.parametrize(
    ("signed", "separator"), [("wss://host/path", "?"), ("wss://host/?", "&"), ("ws://h?a=1", "&")]
)
def test_the_separator_fits_what_there_is(signed: str, separator: str) -> None:
    assert signed_conversation_url(signed).startswith(f"{signed}{separator}source=")


def test_the_line_break_of_a_file_does_not_spoil_a_signed_url() -> None:
    assert signed_conversation_url("wss://host/?s=1\n").startswith("wss://host/?s=1&source=")


@pytest.mark.parametrize(
    "signed",
    ["https://host/?signature=secret", "secret", "wss://?signature=secret", "ws://h:x/secret"],
)
def test_what_is_no_signed_url_is_refused_without_being_shown(signed: str) -> None:
    with pytest.raises(ValueError, match="must begin with 'wss://'") as raised:
        signed_conversation_url(signed)
    assert "secret" not in str(raised.value)


@given(st.text(min_size=1))
def test_an_id_of_any_kind_is_one_part_of_a_path(conversation_id: str) -> None:
    url = conversation_part_url("wss://h/x", conversation_id, "files")
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "h", "", "")
    head, quoted, tail = parts.path.rsplit("/", 2)
    assert (head, unquote(quoted), tail) == (
        "/x/v1/convai/conversations",
        conversation_id,
        "files",
    )


@pytest.mark.parametrize("url", ["wss://host/path?token=%2F%61", "ws://[::1]:8080", "wss://h"])
def test_a_socket_url_stays_as_it_is(url: str) -> None:
    assert socket_url(url, "url") == url


@pytest.mark.parametrize("url", ["https://h/?token=secret", "secret", "wss://h/#secret", "ws:///s"])
def test_what_is_no_socket_url_is_refused_under_its_name_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="my option is not a WebSocket URL: it must beg") as raised:
        socket_url(url, "my option")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("wss://h:1/v1/convai/conversation?agent_id=a", "wss://h:1"),
        ("ws://h/behind/a/proxy/v1/convai/conversation?s=1", "ws://h/behind/a/proxy"),
        ("wss://me:secret@h/v1/convai/conversation", "wss://h"),
        ("wss://h/elsewhere?s=1", "wss://h"),
    ],
)
def test_the_server_of_a_conversation_is_known_by_its_url(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@given(st.sampled_from([DEFAULT_ORIGIN, "wss://h:8080/below", "ws://127.0.0.1:1"]))
def test_the_server_of_a_conversation_is_the_one_that_was_chosen(origin: str) -> None:
    assert origin_of(conversation_url(origin, "a")) == origin
