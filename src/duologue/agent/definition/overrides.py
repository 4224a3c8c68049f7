"""What one conversation changes in its agent's definition: overrides, and variables in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from duologue.agent.definition.mistakes import Path, dotted, mistakes_of, shown
from duologue.agent.definition.schema import AgentDefinition, ConversationConfig, DynamicVariable
from duologue.errors import AgentDefinitionError

OVERRIDE: Final = "conversation_config_override"
"""The key on the wire, for sentences."""

OVERRIDABLE: Final[Mapping[str, Any]] = {
    "agent": {
        "first_message": None,
        "language": None,
        "prompt": {"prompt": None, "llm": None},
    },
    "asr": {"keywords": None},
    "tts": {"voice_id": None, "speed": None, "stability": None, "similarity_boost": None},
    "conversation": {"text_only": None, "client_events": None},
}
"""What the contract lets a client override and our agent honours; None marks a value."""

SECRET: Final = "secret__"
"""What the names of variables begin with that no language model sees."""

VARIABLE: Final = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")


def with_overrides(
    definition: AgentDefinition, override: Mapping[str, Any]
) -> tuple[AgentDefinition, list[str]]:
    """The definition as one conversation has it, and the dotted names of the keys left out.

    Left out is what the contract does not let a client override, or our agent does not know. A
    value of None changes nothing. The official Python client puts `text_only` at the top; there it
    means `conversation.text_only`, unless that is given too.

    Raises:
        AgentDefinitionError: a value has the wrong type or is out of its range.
    """
    wanted = dict(override)
    text_only = wanted.pop("text_only", None)
    config = definition.conversation_config.model_dump()
    if text_only is not None:
        config["conversation"]["text_only"] = text_only
    ignored = list(_apply(wanted, config, OVERRIDABLE, ()))
    try:
        changed = ConversationConfig.model_validate(config)
    except ValidationError as error:
        sentences = [f"{OVERRIDE}: {what}" for _, what in mistakes_of(error, ConversationConfig)]
        raise AgentDefinitionError("\n".join(sentences)) from error
    return definition.model_copy(update={"conversation_config": changed}), ignored


def render_text(template: str, variables: Mapping[str, DynamicVariable]) -> str:
    """The text with each `{{name}}` replaced by the variable of that name.

    Raises:
        AgentDefinitionError: the text has a variable that has no value, or a secret one, which a
            language model must not see; all such are named.
    """
    names = set(VARIABLE.findall(template))
    if secrets := sorted(name for name in names if name.startswith(SECRET)):
        raise AgentDefinitionError(
            f"the text uses the secret variables {', '.join(secrets)}, which a language model must "
            "not see; they may stand in request_headers only"
        )
    return _render(template, names, variables)


def rendered_chars(template: str, variables: Mapping[str, DynamicVariable]) -> int:
    """How long `render_text` would make it; a variable without a value counts as it stands."""
    longer = 0
    for found in VARIABLE.finditer(template):
        if found[1] in variables:
            longer += len(_as_text(variables[found[1]])) - len(found[0])
    return len(template) + longer


def render_header(template: str, variables: Mapping[str, DynamicVariable]) -> str:
    """As `render_text`, for the value of a header, where secret variables may stand.

    Raises:
        AgentDefinitionError: a variable has no value, or one that no header may have.
    """
    value = _render(template, set(VARIABLE.findall(template)), variables)
    if not value.isprintable() or not value.isascii():
        raise AgentDefinitionError(
            "a header of the language model would have a line break or a character beyond ASCII; "
            "check the dynamic variables in request_headers"
        )
    return value


def _render(template: str, names: set[str], variables: Mapping[str, DynamicVariable]) -> str:
    missing = sorted(names - set(variables))
    if missing:
        listed = ", ".join(missing)
        raise AgentDefinitionError(
            f"the text needs the dynamic variables {listed}, which have no value; send them with "
            "the conversation, or give them a value in dynamic_variable_placeholders"
        )
    return VARIABLE.sub(lambda found: _as_text(variables[found[1]]), template)


def _apply(
    override: Mapping[str, Any], config: dict[str, Any], allowed: Mapping[str, Any], path: Path
) -> Iterator[str]:
    """Write the allowed values of `override` into `config`; yield the names of the others."""
    for key, value in override.items():
        inner = (*path, key)
        if key not in allowed:
            yield dotted(inner)
        elif value is None:
            continue
        elif allowed[key] is None:
            config[key] = value
        elif isinstance(value, Mapping):
            yield from _apply(value, config[key], allowed[key], inner)
        else:
            raise AgentDefinitionError(
                f"{OVERRIDE}: {dotted(inner)}: expected a mapping, but {shown(value)} came"
            )


def _as_text(value: DynamicVariable) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
