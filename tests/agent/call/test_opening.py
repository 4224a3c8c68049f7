"""What a client's first message makes of an agent."""

import pytest

from duologue.agent.call.ends import CallRefused
from duologue.agent.call.opening import plan_call
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
