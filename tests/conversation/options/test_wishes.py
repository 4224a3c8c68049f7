from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from duologue.conversation.options.route import route
from duologue.conversation.options.wishes import of_conversation, of_signed_url, of_token

ALL = {
    "branch_id": "b & c",
    "version_id": "v1",
    "participant_name": "Ada",
    "include_conversation_id": True,
    "debug_events_request": True,
}


def query_of(url: str | None) -> dict[str, str]:
    assert url is not None
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_each_way_has_the_parameters_that_the_server_knows_there() -> None:
    assert of_conversation(ALL) == {"branch_id": "b & c", "version_id": "v1"}
    assert of_signed_url(ALL) == {
        "branch_id": "b & c",
        "version_id": "v1",
        "include_conversation_id": "true",
        "debug_events_request": "true",
    }
    assert of_token(ALL) == {
        "branch_id": "b & c",
        "version_id": "v1",
        "participant_name": "Ada",
        "debug_events_request": "true",
    }


def test_what_is_not_asked_for_is_not_sent() -> None:
    assert of_conversation({}) == of_token({"debug_events_request": False}) == {}
    assert of_signed_url({"include_conversation_id": False}) == {}


def test_they_are_in_the_urls() -> None:
    options: dict[str, Any] = {"agent_id": "a", "api_key": "k", "origin": "wss://h", **ALL}
    found = route(options)
    assert found.signed_url_request is not None
    assert found.room is not None
    assert found.room.token_request is not None
    assert query_of(found.url).items() >= of_conversation(ALL).items()
    assert query_of(found.signed_url_request.url).items() >= of_signed_url(ALL).items()
    assert query_of(found.room.token_request.url).items() >= of_token(ALL).items()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"branch_id": 5}, "branch_id must be a string, not int"),
        ({"version_id": " "}, "version_id is empty"),
        ({"include_conversation_id": "yes"}, "include_conversation_id must be True or False"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(options: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        of_signed_url(options)


@pytest.mark.parametrize("name", ["branch_id", "version_id"])
@pytest.mark.parametrize(
    "given",
    [
        {"signed_url": "wss://h/?s=1"},
        {"conversation_token": "t", "livekit_url": "wss://h"},
        {"orchestrator": {"url": "wss://h"}},
    ],
    ids=str,
)
def test_what_has_been_decided_already_cannot_be_asked_for(
    name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"{name} .*contradict|contradict.*{name}"):
        route({name: "b", **given})
