from typing import Any

import pytest
from pydantic import ValidationError

from duologue.agent.definition.mistakes import Path, dotted, mistakes_of, shown
from duologue.agent.definition.schema import AgentDefinition


def mistakes(content: dict[str, Any]) -> list[tuple[Path, str]]:
    with pytest.raises(ValidationError) as told:
        AgentDefinition.model_validate({"agent_id": "a"} | content)
    return list(mistakes_of(told.value, AgentDefinition))


def the_mistake(config: dict[str, Any]) -> str:
    found = mistakes({"conversation_config": config})
    assert len(found) == 1
    return found[0][1].removeprefix("conversation_config.")


def test_paths_are_written_with_dots_and_brackets() -> None:
    assert dotted(("a", "tools", 0, "name")) == "a.tools[0].name"


def test_an_unknown_key_has_its_own_path_and_the_nearest_right_one() -> None:
    assert mistakes({"nmae": "x"}) == [(("nmae",), "nmae is not a known key; did you mean name?")]


def test_an_unknown_key_that_is_near_none_gets_them_all() -> None:
    assert the_mistake({"asr": {"x": 1}}) == (
        "asr.x is not a known key; the keys here are user_input_audio_format, keywords"
    )


def test_an_unknown_key_inside_a_list_and_an_optional_part_is_found() -> None:
    tool = {"type": "client", "name": "a", "descripton": "x"}
    assert the_mistake({"agent": {"prompt": {"tools": [tool]}}}).endswith(
        "tools[0].descripton is not a known key; did you mean description?"
    )
    model = {"url": "http://a", "model_id": "b", "api_kye": "c"}
    assert the_mistake({"agent": {"prompt": {"custom_llm": model}}}).endswith(
        "custom_llm.api_kye is not a known key; did you mean api_key?"
    )


def test_a_missing_key_has_its_parents_path() -> None:
    found = mistakes({"conversation_config": {"agent": {"prompt": {"tools": [{"name": "a"}]}}}})
    where = ("conversation_config", "agent", "prompt", "tools", 0)
    assert found == [(where, f"{dotted(where)}.type is missing")]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"agent": "x"}, "agent: expected a mapping, but 'x' came"),
        ({"agent": {"language": False}}, "agent.language: expected a text, but false came"),
        ({"agent": {"first_message": None}}, "agent.first_message: expected a text, but nothing"),
        ({"asr": {"keywords": "a"}}, "asr.keywords: expected a list, but 'a' came"),
        ({"tts": {"speed": []}}, "tts.speed: expected a number, but a list came"),
        ({"tts": {"speed": 9}}, "tts.speed: expected at most 5, but 9 came"),
        ({"tts": {"speed": 0.1}}, "tts.speed: expected at least 0.7, but 0.1 came"),
        ({"turn": {"turn_timeout": 0}}, "turn.turn_timeout: expected more than 0, or -1 for none"),
        (
            {"turn": {"turn_eagerness": "fast"}},
            "turn.turn_eagerness: expected one of 'patient', 'normal' or 'eager', but 'fast' came",
        ),
        (
            {"conversation": {"max_duration_seconds": 0.5}},
            "conversation.max_duration_seconds: expected a whole number, but 0.5 came",
        ),
        (
            {"conversation": {"text_only": {}}},
            "conversation.text_only: expected true or false, but a mapping came",
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected_and_what_came(
    config: dict[str, Any], sentence: str
) -> None:
    assert the_mistake(config).startswith(sentence)


def test_a_wrong_secret_is_not_shown() -> None:
    model = {"url": "http://a", "model_id": "b", "api_key": 12345}
    sentence = the_mistake({"agent": {"prompt": {"custom_llm": model}}})
    assert sentence.endswith("api_key: expected a text, but something else came")


def test_a_key_that_is_no_text_is_told_as_a_key() -> None:
    placeholders = {"dynamic_variables": {"dynamic_variable_placeholders": {3: "x"}}}
    assert the_mistake({"agent": placeholders}).endswith("expected a text as the key, but 3 came")


def test_long_values_are_shortened() -> None:
    assert len(shown("x" * 1000)) < 70
