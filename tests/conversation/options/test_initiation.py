from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.connection.http.endpoints import version
from duologue.conversation.options.initiation import initiation
from duologue.protocol.codec import encode_client_message

CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE


def wire(*, text_only: bool = False, **options: Any) -> dict[str, Any]:
    message = json.loads(encode_client_message(initiation(options, text_only=text_only)))
    assert message.pop("type") == "conversation_initiation_client_data"
    assert message.pop("source_info") == {"source": "duologue", "version": version()}
    assert isinstance(message, dict)
    return message


def test_without_options_only_the_client_introduces_itself() -> None:
    assert wire() == {}


def test_what_is_asked_for_is_sent_under_its_name_on_the_wire() -> None:
    options: dict[str, Any] = {
        "overrides": {"agent": {"first_message": ""}},
        "dynamic_variables": {"name": "Zoë", "age": 7},
        "custom_llm_extra_body": {"temperature": 0},
        "tool_mock_config": {
            "mocking_strategy": "selected",
            "mocked_tool_names": ["weather"],
            "fallback_strategy": "raise_error",
        },
        "user_id": "u",
    }
    expected = dict(options)
    expected["conversation_config_override"] = expected.pop("overrides")
    assert wire(**options) == expected


def test_empty_variables_and_mocks_are_sent() -> None:
    assert wire(dynamic_variables={}, tool_mock_config={}) == {
        "dynamic_variables": {},
        "tool_mock_config": {},
    }


def test_unset_members_of_the_mocks_vanish() -> None:
    config = {"mocking_strategy": "all", "mocked_tool_names": None}
    assert wire(tool_mock_config=config) == {"tool_mock_config": {"mocking_strategy": "all"}}


@pytest.mark.parametrize("body", [{}, [], "", 0, False])
def test_an_extra_body_that_is_empty_is_not_sent(body: object) -> None:
    assert wire(custom_llm_extra_body=body) == {}


@pytest.mark.parametrize("body", [{"a": None}, [0], "x", 1, True])
def test_an_extra_body_may_be_any_json(body: object) -> None:
    assert wire(custom_llm_extra_body=body) == {"custom_llm_extra_body": body}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dynamic_variables": {"name": "\ud800"}}, "dynamic_variables must be JSON"),
        ({"dynamic_variables": {"a": float("nan")}}, "dynamic_variables must be JSON"),
        ({"overrides": {"tts": {"speed": float("inf")}}}, "overrides must be JSON"),
        ({"custom_llm_extra_body": CIRCLE}, "custom_llm_extra_body must be JSON"),
        ({"user_id": "\ud800"}, "user_id has half a surrogate pair"),
        (
            {"tool_mock_config": {"mockingStrategy": "all"}},
            "tool_mock_config has no 'mockingStrategy'; did you mean 'mocking_strategy'?",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wire(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user_id": 7}, "user_id must be a string, not int"),
        ({"dynamic_variables": [1]}, "dynamic_variables must be a mapping"),
        ({"dynamic_variables": {"a": object()}}, "must be JSON"),
        ({"tool_mock_config": "all"}, "tool_mock_config must be a mapping, not str"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wire(**options)
