"""What one call is to be: its agent's definition, and what the client's first message changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from duologue.agent.call.ends import (
    CallRefused,
    invalid_message,
    invalid_override,
    missing_dynamic_variable,
)
from duologue.agent.call.variables import system_variables
from duologue.agent.definition import (
    AgentDefinition,
    DynamicVariable,
    render_header,
    render_text,
    rendered_chars,
    with_overrides,
)
from duologue.agent.limits import CallLimits
from duologue.errors import AgentDefinitionError
from duologue.protocol.client_messages import ConversationInitiation

logger = logging.getLogger("duologue.agent.call")


@dataclass(frozen=True)
class CallPlan:
    """One call, before it begins.

    Attributes:
        definition: the agent, overrides applied.
        instructions: the prompt, variables filled in.
        first_message: what the agent says first, or "" if the user begins.
        llm_extra_body: what a language model of the agent's owner gets with each request.
        llm_headers: the headers of each of these requests.
        is_prompt_of_client: whether the client has changed the prompt, or filled something in.
    """

    definition: AgentDefinition
    instructions: str
    first_message: str
    llm_extra_body: Any = None
    llm_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_prompt_of_client: bool = False

    def with_audio_format(self, name: str) -> CallPlan:
        """This plan, with one format for the sound of both sides."""
        config = self.definition.conversation_config
        config = config.model_copy(
            update={
                "asr": config.asr.model_copy(update={"user_input_audio_format": name}),
                "tts": config.tts.model_copy(update={"agent_output_audio_format": name}),
            }
        )
        definition = self.definition.model_copy(update={"conversation_config": config})
        return replace(self, definition=definition)


def plan_call(
    definition: AgentDefinition,
    initiation: ConversationInitiation,
    limits: CallLimits | None = None,
    *,
    conversation_id: str = "",
    now: datetime | None = None,
) -> CallPlan:
    """Apply what a client's first message asks for.

    Args:
        definition: the agent.
        initiation: the client's first message.
        limits: how long texts may be; None takes those of the contract.
        conversation_id: of this conversation, for `system__conversation_id`.
        now: the time; None takes the clock's.

    Raises:
        CallRefused: an override or a variable is wrong, missing or too long; its end says which.
    """
    limits = limits or CallLimits()
    own = definition.conversation_config.agent
    definition = _overridden(definition, initiation.conversation_config_override or {})
    agent = definition.conversation_config.agent
    given = {
        **agent.dynamic_variables.dynamic_variable_placeholders,
        **_checked(initiation.dynamic_variables or {}, limits),
    }
    try:
        of_system = system_variables(
            definition,
            given,
            conversation_id=conversation_id,
            user_id=initiation.user_id,
            now=now or datetime.now(UTC),
        )
    except ValueError as error:
        raise CallRefused(invalid_message(str(error))) from error
    variables = given | of_system
    for name, text, own_text, limit in (
        ("prompt", agent.prompt.prompt, own.prompt.prompt, limits.prompt_chars),
        ("first message", agent.first_message, own.first_message, limits.first_message_chars),
    ):
        # What the agent's owner has written may be as long as the language model can take.
        _check_length(name, rendered_chars(text, variables), len(own_text) + limit)
    custom = agent.prompt.custom_llm
    headers = {} if custom is None else custom.request_headers
    try:
        return CallPlan(
            definition,
            instructions=render_text(agent.prompt.prompt, variables),
            first_message=render_text(agent.first_message, variables),
            llm_extra_body=initiation.custom_llm_extra_body,
            llm_headers={
                name: render_header(value.get_secret_value(), variables)
                for name, value in headers.items()
            },
            is_prompt_of_client=agent.prompt.prompt != own.prompt.prompt
            or bool(initiation.dynamic_variables),
        )
    except AgentDefinitionError as error:
        raise CallRefused(missing_dynamic_variable(str(error))) from error


def _overridden(definition: AgentDefinition, override: Mapping[str, Any]) -> AgentDefinition:
    try:
        definition, ignored = with_overrides(definition, override)
    except AgentDefinitionError as error:
        raise CallRefused(invalid_override(str(error))) from error
    if ignored:
        logger.warning("Overrides that this agent does not know: %s", ", ".join(ignored))
    return definition


def _check_length(name: str, chars: int, limit: int) -> None:
    if chars > limit:
        raise CallRefused(
            invalid_override(
                f"the {name} would have {chars} characters with all that is filled in, and "
                f"{limit} are taken"
            )
        )


def _checked(variables: Mapping[str, Any], limits: CallLimits) -> dict[str, DynamicVariable]:
    if len(variables) > limits.variables:
        raise CallRefused(
            invalid_message(
                f"{len(variables)} dynamic variables came, and {limits.variables} are taken"
            )
        )
    chars = 0
    for name, value in variables.items():
        chars += len(name) + (len(value) if isinstance(value, str) else 0)
        if not isinstance(value, str | int | float | bool):
            what = "null" if value is None else f"a {type(value).__name__}"
            raise CallRefused(
                invalid_message(
                    f"the dynamic variable {name!r} must be a text, a number, true or false, "
                    f"not {what}"
                )
            )
    if chars > limits.variable_chars:
        raise CallRefused(
            invalid_message(
                f"the dynamic variables have {chars} characters in all, and "
                f"{limits.variable_chars} are taken"
            )
        )
    return dict(variables)
