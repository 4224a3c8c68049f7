"""What a client's first message makes of an agent."""

from typing import Any

import pytest

from duologue.agent.call.ends import CallRefused
from duologue.agent.call.opening import plan_call
from duologue.agent.definition import AgentDefinition
from duologue.agent.limits import CallLimits
from duologue.protocol.client_messages import ConversationInitiation
from tests.agent.harness import define


def test_an_empty_first_message_changes_nothing() -> None:
    plan = plan_call(define(first_message="Hi.", prompt="Be brief."), ConversationInitiation())
    assert (plan.first_message, plan.instructions) == ("Hi.", "Be brief.")


def test_variables_fill_the_texts_and_override_their_placeholders() -> None:
    agent = define(first_message="{{greeting}}, {{name}}!")
    config = agent.conversation_config
    placeholders = {"greeting": "Hello", "name": "you"}
    agent = agent.model_validate(
        {
            "agent_id": "test",
            "conversation_config": {
                "agent": {
                    "first_message": config.agent.first_message,
                    "dynamic_variables": {"dynamic_variable_placeholders": placeholders},
                }
            },
        }
    )
    plan = plan_call(agent, ConversationInitiation(dynamic_variables={"name": "Ada"}))
    assert plan.first_message == "Hello, Ada!"


def test_an_override_may_bring_variables_of_its_own() -> None:
    initiation = ConversationInitiation(
        conversation_config_override={"agent": {"first_message": "Hi {{who}}"}},
        dynamic_variables={"who": "there"},
    )
    assert plan_call(define(), initiation).first_message == "Hi there"


def test_a_variable_that_is_no_scalar_is_refused_by_name() -> None:
    with pytest.raises(CallRefused, match=r"'tags'.*not a list") as refused:
        plan_call(define(), ConversationInitiation(dynamic_variables={"tags": []}))
    assert refused.value.end.error_type == "invalid_message"


def test_an_override_of_what_nobody_may_change_is_left_out() -> None:
    override = {"turn": {"turn_timeout": 1}, "agent": {"first_message": "Hi."}}
    plan = plan_call(define(), ConversationInitiation(conversation_config_override=override))
    assert plan.first_message == "Hi."
    assert plan.definition.conversation_config.turn.turn_timeout == -1


def test_one_audio_format_may_stand_for_both_sides() -> None:
    plan = plan_call(define(), ConversationInitiation()).with_audio_format("pcm_48000")
    config = plan.definition.conversation_config
    assert config.asr.user_input_audio_format == "pcm_48000"
    assert config.tts.agent_output_audio_format == "pcm_48000"
    assert plan.instructions == "Be brief."


def with_headers(**headers: object) -> AgentDefinition:
    custom_llm = {"url": "http://h/v1", "model_id": "m", "request_headers": headers}
    return AgentDefinition.model_validate(
        {"agent_id": "a", "conversation_config": {"agent": {"prompt": {"custom_llm": custom_llm}}}}
    )


def test_secret_variables_reach_the_headers_of_the_language_model() -> None:
    agent = with_headers(
        authorization="Bearer {{secret__token}}",
        tenant={"variable_name": "tenant"},
        call="{{system__conversation_id}}",
    )
    initiation = ConversationInitiation(
        dynamic_variables={"secret__token": "t0p", "tenant": "acme"}
    )
    plan = plan_call(agent, initiation, conversation_id="conv_1")
    assert plan.llm_headers == {
        "authorization": "Bearer t0p",
        "tenant": "acme",
        "call": "conv_1",
    }
    assert "t0p" not in repr(plan)


@pytest.mark.parametrize("name", ["prompt", "first_message"])
def test_secret_variables_never_reach_a_text(name: str) -> None:
    texts: dict[str, Any] = {name: "The key is {{secret__token}}."}
    agent = define(**texts)
    initiation = ConversationInitiation(dynamic_variables={"secret__token": "t0p"})
    with pytest.raises(CallRefused, match="secret__token, which a language model must not") as (
        refused
    ):
        plan_call(agent, initiation)
    assert "t0p" not in str(refused.value)


def test_a_variable_cannot_bring_a_header_of_its_own() -> None:
    initiation = ConversationInitiation(dynamic_variables={"tenant": "a\r\nx-admin: 1"})
    with pytest.raises(CallRefused, match="line break"):
        plan_call(with_headers(tenant="{{tenant}}"), initiation)


LIMITS = CallLimits(prompt_chars=100, first_message_chars=50, variables=3, variable_chars=40)


@pytest.mark.parametrize(
    ("override", "variables", "what"),
    [
        ({"prompt": {"prompt": "x" * 120}}, {}, "prompt would have 120 characters"),
        ({"first_message": "A. " * 30}, {}, "first message would have 90 characters"),
        ({"prompt": {"prompt": "{{a}}" * 8}}, {"a": "y" * 30}, "prompt would have 240 characters"),
        ({}, {"a": "y" * 40}, "41 characters in all, and 40 are taken"),
        ({}, {"a": 1, "b": 2, "c": 3, "d": 4}, "4 dynamic variables came, and 3 are taken"),
    ],
)
def test_texts_of_a_client_have_bounds(
    override: dict[str, Any], variables: dict[str, Any], what: str
) -> None:
    initiation = ConversationInitiation(
        conversation_config_override={"agent": override}, dynamic_variables=variables
    )
    with pytest.raises(CallRefused, match=what) as refused:
        plan_call(define(prompt="Be brief."), initiation, LIMITS)
    assert refused.value.end.code == 1008


def test_what_the_owner_of_an_agent_has_written_may_be_as_long_as_they_like() -> None:
    agent = define(prompt="{{name}} " * 100, first_message="Hello there. " * 10)
    initiation = ConversationInitiation(dynamic_variables={"name": "Ada"})
    assert len(plan_call(agent, initiation, LIMITS).instructions) == 400
