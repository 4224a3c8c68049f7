from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.connection.http.feedback import post_overall_feedback
from duologue.errors import RequestFailed, RequestRefused
from tests.connection.answering import answering


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUOLOGUE_ORIGIN", raising=False)


@pytest.mark.parametrize(
    ("feedback", "sent"),
    [
        ({"like": True}, {"feedback": "like"}),
        ({"like": False}, {"feedback": "dislike"}),
        ({"rating": 4}, {"rating": 4}),
        ({"rating": 0}, {"rating": 0}),
        ({"rating": 4, "comment": "schön"}, {"rating": 4, "comment": "schön"}),
        ({"rating": 4, "comment": ""}, {"rating": 4, "comment": ""}),
    ],
)
async def test_the_rating_goes_to_the_conversation(feedback: Any, sent: Any) -> None:
    async with answering(b"") as (origin, requests):
        await post_overall_feedback("conv 1/ü", origin=origin, **feedback)
    (request,) = requests
    assert (request.method, request.path) == (
        "POST",
        "/v1/convai/conversations/conv%201%2F%C3%BC/feedback",
    )
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == sent


async def test_the_server_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(b"null") as (origin, requests):
        monkeypatch.setenv("DUOLOGUE_ORIGIN", origin)
        await post_overall_feedback("conv_1", True)
    assert len(requests) == 1


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_the_server_may_be_named_by_any_scheme(scheme: str) -> None:
    async with answering(b"") as (origin, requests):
        await post_overall_feedback("conv_1", True, origin=origin.replace("ws", scheme, 1))
    assert len(requests) == 1


async def test_a_server_that_refuses_is_an_error() -> None:
    async with answering({"detail": "no such conversation"}, status=404) as (origin, _):
        with pytest.raises(RequestRefused, match="the rating of the conversation 'conv_1'") as e:
            await post_overall_feedback("conv_1", True, origin=origin)
    assert (e.value.http_status, e.value.detail) == (404, "no such conversation")


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with answering() as (origin, _):
        with pytest.raises(RequestFailed, match=r"within 0\.05 s"):
            await post_overall_feedback("conv_1", True, origin=origin, timeout=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "like and rating are both missing"),
        ({"like": True, "rating": 4}, "like and rating contradict each other"),
        ({"like": True, "comment": "fine"}, "comment and like contradict each other"),
        ({"rating": 4, "comment": "\ud800"}, "surrogates not allowed"),
        ({"like": True, "timeout": 0}, "timeout must be a positive"),
        ({"like": True, "conversation_id": ""}, "conversation_id is empty"),
        ({"like": True, "origin": "ftp://h"}, "not the address of a server"),
        ({"like": True, "origin": "wss://h", "region": "us"}, "contradict each other"),
    ],
)
async def test_what_makes_no_sense_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await post_overall_feedback(**{"conversation_id": "conv_1", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"like": 1}, "like must be True or False, not 1"),
        ({"rating": True}, "rating must be a whole number, not True"),
        ({"rating": 4.5}, "rating must be a whole number, not 4.5"),
        ({"rating": 4, "comment": 4}, "comment must be a string, not int"),
        ({"like": True, "conversation_id": 4}, "conversation_id must be a string, not int"),
        ({"like": True, "timeout": "4"}, "timeout must be a number of seconds, not str"),
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        await post_overall_feedback(**{"conversation_id": "conv_1", **arguments})
