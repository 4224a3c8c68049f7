import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.definition.overrides import render_text, rendered_chars, with_overrides
from duologue.agent.definition.schema import DEFAULT_DEFINITION, AgentDefinition, DynamicVariable
from duologue.errors import AgentDefinitionError


def overridden(override: dict[str, Any]) -> AgentDefinition:
    definition, ignored = with_overrides(DEFAULT_DEFINITION, override)
    assert ignored == []
    return definition


def test_an_empty_override_changes_nothing() -> None:
    empty: dict[str, Any] = {"agent": {}, "tts": {}, "conversation": {}}
    assert overridden(empty) == overridden({}) == DEFAULT_DEFINITION


def test_everything_that_the_contract_allows_is_applied() -> None:
    config = overridden(
        {
            "agent": {
                "first_message": "",
                "language": "de",
                "prompt": {"prompt": "Be brief.", "llm": "other"},
            },
            "asr": {"keywords": ["Duologue"]},
            "tts": {"voice_id": "v", "speed": 2, "stability": 0.5, "similarity_boost": 1},
            "conversation": {"text_only": True, "client_events": ["audio"]},
        }
    ).conversation_config
    assert config.agent.first_message == ""
    assert config.agent.language == "de"
    assert config.agent.prompt.prompt == "Be brief."
    assert config.agent.prompt.llm == "other"
    assert config.agent.prompt.max_tokens == (
        DEFAULT_DEFINITION.conversation_config.agent.prompt.max_tokens
    )
    assert config.asr.keywords == ("Duologue",)
    assert (config.tts.voice_id, config.tts.speed) == ("v", 2)
    assert (config.tts.stability, config.tts.similarity_boost) == (0.5, 1)
    assert config.conversation.text_only
    assert config.conversation.client_events == ("audio",)


def test_the_definition_itself_stays_as_it_is() -> None:
    overridden({"agent": {"prompt": {"prompt": "other"}}})
    assert DEFAULT_DEFINITION.conversation_config.agent.prompt.prompt != "other"


def test_a_secret_survives_an_override() -> None:
    definition = AgentDefinition.model_validate(
        {
            "agent_id": "a",
            "conversation_config": {
                "agent": {
                    "prompt": {
                        "custom_llm": {"url": "http://a", "model_id": "b", "api_key": "hush"}
                    }
                }
            },
        }
    )
    changed, _ = with_overrides(definition, {"agent": {"language": "de"}})
    model = changed.conversation_config.agent.prompt.custom_llm
    assert model is not None
    assert model.api_key is not None
    assert model.api_key.get_secret_value() == "hush"


def test_none_changes_nothing() -> None:
    nothing = {"agent": {"language": None, "prompt": None}, "tts": None, "text_only": None}
    assert overridden(nothing) == DEFAULT_DEFINITION


def test_what_may_not_be_overridden_is_left_out_by_name() -> None:
    definition, ignored = with_overrides(
        DEFAULT_DEFINITION,
        {
            "agent": {"native_mcp_server_ids": [], "prompt": {"max_tokens": 9999}},
            "turn": {"turn_timeout": 1},
            "conversation": {"max_duration_seconds": 10**9},
        },
    )
    assert definition == DEFAULT_DEFINITION
    assert ignored == [
        "agent.native_mcp_server_ids",
        "agent.prompt.max_tokens",
        "turn",
        "conversation.max_duration_seconds",
    ]


def test_text_only_at_the_top_is_taken() -> None:
    assert overridden({"text_only": True}).conversation_config.conversation.text_only


def test_text_only_in_its_own_place_wins() -> None:
    override = {"text_only": True, "conversation": {"text_only": False}}
    assert not overridden(override).conversation_config.conversation.text_only


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({"agent": "x"}, "agent: expected a mapping, but 'x' came"),
        ({"agent": {"prompt": []}}, "agent.prompt: expected a mapping, but a list came"),
        ({"agent": {"first_message": 5}}, "agent.first_message: expected a text, but 5 came"),
        ({"tts": {"speed": 0.1}}, "tts.speed: expected at least 0.7, but 0.1 came"),
        ({"text_only": "yes"}, "conversation.text_only: expected true or false, but 'yes' came"),
        ({"asr": {"keywords": [1]}}, "asr.keywords[0]: expected a text, but 1 came"),
    ],
)
def test_a_wrong_value_is_told(override: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AgentDefinitionError) as told:
        with_overrides(DEFAULT_DEFINITION, override)
    assert str(told.value) == f"conversation_config_override: {sentence}"


def test_variables_are_filled_in() -> None:
    variables: dict[str, DynamicVariable] = {
        "name": "Ada",
        "count": 3,
        "share": 0.5,
        "member": True,
        "unused": "",
    }
    template = "{{name}} has {{ count }}, {{share}}; {{member}}; {{name}} {single}"
    assert render_text(template, variables) == "Ada has 3, 0.5; true; Ada {single}"


def test_a_value_that_looks_like_a_variable_stays_text() -> None:
    assert render_text("{{a}}", {"a": r"{{b}} \1"}) == r"{{b}} \1"


def test_all_variables_without_a_value_are_named() -> None:
    with pytest.raises(
        AgentDefinitionError, match="variables a, system__time, which have no value"
    ):
        render_text("{{system__time}} {{a}} {{b}}", {"b": 1})


@given(st.text("{}ab \n", max_size=60), st.text("xyz", max_size=9), st.booleans())
def test_it_is_known_before_how_long_a_text_will_be(template: str, a: str, ab: bool) -> None:
    variables: dict[str, DynamicVariable] = {"a": a, "ab": ab, "b": 1.5, "aa": 7}
    with contextlib.suppress(AgentDefinitionError):
        text = render_text(template, variables)
        assert rendered_chars(template, variables) == len(text)
