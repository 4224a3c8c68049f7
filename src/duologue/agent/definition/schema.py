"""What an agent is: its definition in ElevenLabs' own shape, as far as our agent honours it.

Names, nesting, units and defaults are those of ElevenLabs' agent configuration, so a file written
for one is read by the other. Types are strict (the text "5" is no number) and an unknown key is a
mistake, because a key that is silently ignored is the hardest to find. Durations are in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    SecretStr,
    StringConstraints,
)

from duologue.protocol.formats import AUDIO_FORMATS
from duologue.protocol.server_events import event_types

NEVER: Final = -1
"""The value of a duration or a limit that switches it off."""

CLIENT_EVENT_NAMES: Final = tuple(sorted(event.TYPE for event in event_types()))

CLIENT_EVENTS_BY_DEFAULT: Final = (
    "audio",
    "interruption",
    "agent_response",
    "user_transcript",
    "tentative_user_transcript",
    "conversation_initiation_metadata",
    "ping",
)
"""What a client is sent if nothing else is said; the contract's own default."""


def _from_environment(given: object) -> object:
    """`{env: NAME}` as the value of that variable; anything else as it is.

    `{variable_name: NAME}`, as ElevenLabs has it, is the dynamic variable of that name.
    """
    if isinstance(given, dict) and set(given) == {"variable_name"}:
        return f"{{{{{given['variable_name']}}}}}"
    if not isinstance(given, dict) or set(given) != {"env"}:
        return given
    name = given["env"]
    if not isinstance(name, str) or name not in os.environ:
        raise ValueError(f"the environment variable {name} is not set")
    return os.environ[name]


def _positive_or_never(given: float) -> float:
    if given > 0 or given == NEVER:
        return given
    raise ValueError(f"expected more than 0, or {NEVER} for none, but {given:g} came")


def _scalar(given: object) -> str | int | float | bool:
    if isinstance(given, str | int | float | bool):
        return given
    raise ValueError("expected a text, a number, true or false")


def _one_of(names: Collection[str], kind: str) -> AfterValidator:
    """Accepts one of these names; a mistake gets the nearest, or all if none is near."""

    def check(given: str) -> str:
        if given in names:
            return given
        nearest = get_close_matches(given, names, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"expected one of {', '.join(names)}"
        raise ValueError(f"{given!r} is not {kind}; {hint}")

    return AfterValidator(check)


def _schema_of_nothing() -> dict[str, JsonValue]:
    return {"type": "object", "properties": {}}


def _of_type_object(given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if given.get("type") == "object":
        return given
    raise ValueError("expected a JSON schema with type: object")


Name = Annotated[str, StringConstraints(min_length=1)]
AudioFormatName = Annotated[str, _one_of(AUDIO_FORMATS, "an audio format")]
ClientEvent = Annotated[str, _one_of(CLIENT_EVENT_NAMES, "a client event")]
DynamicVariable = Annotated[str | int | float | bool, PlainValidator(_scalar)]

ObjectSchema = Annotated[dict[str, JsonValue], AfterValidator(_of_type_object)]

Secret = Annotated[SecretStr, BeforeValidator(_from_environment)]
"""A text, or `{env: NAME}` for the value of an environment variable; never shown."""

Limit = Annotated[float, AfterValidator(_positive_or_never)]
WholeLimit = Annotated[int, AfterValidator(_positive_or_never)]


class Part(BaseModel):
    """What all parts of a definition have in common: they cannot change, and know their keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class CustomLlm(Part):
    """A language model of the user's own, behind the OpenAI chat-completions protocol.

    `url` is the base, without `/chat/completions`. In `request_headers`, `{{name}}` is a dynamic
    variable; those whose names begin with `secret__` reach nothing else.
    """

    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    model_id: Name
    api_key: Secret | None = None
    request_headers: dict[str, Secret] = Field(default_factory=dict)


class ClientTool(Part):
    """A tool that the client runs. `parameters` is a JSON schema of type object."""

    type: Literal["client"]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: str = ""
    parameters: ObjectSchema = Field(default_factory=_schema_of_nothing)
    expects_response: bool = False
    response_timeout_secs: Annotated[float, Field(gt=0, le=120)] = 20


def _without_twins(tools: tuple[ClientTool, ...]) -> tuple[ClientTool, ...]:
    names = [tool.name for tool in tools]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"every tool needs a name of its own, but {', '.join(twins)} came twice")
    return tools


class Prompt(Part):
    """What the language model is told, which one it is, and what it may call.

    Without `custom_llm` the server's language model answers: the bundled one, or the one that the
    server was started with, and then `llm` says which of its models. `max_tokens` bounds one
    answer, -1 does not. Without `temperature` none is sent; for the bundled model that is 0.
    """

    prompt: str = ""
    llm: Name | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: WholeLimit = NEVER
    custom_llm: CustomLlm | None = None
    tools: Annotated[
        tuple[ClientTool, ...], Field(strict=False), AfterValidator(_without_twins)
    ] = ()


class DynamicVariables(Part):
    """Values for `{{name}}` in the prompt and the first message, where the client sends none."""

    dynamic_variable_placeholders: dict[str, DynamicVariable] = Field(default_factory=dict)


class Agent(Part):
    """What the agent says and thinks. An empty `first_message` leaves the first word to the user.

    `language` is an ISO 639-1 code.
    """

    first_message: str = ""
    language: Annotated[str, StringConstraints(min_length=2)] = "en"
    prompt: Prompt = Prompt()
    dynamic_variables: DynamicVariables = DynamicVariables()


class Asr(Part):
    """How the agent hears. `keywords` are words that recognition should expect."""

    user_input_audio_format: AudioFormatName = "pcm_16000"
    keywords: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Tts(Part):
    """How the agent speaks. Without `voice_id` it has the bundled voice.

    `stability` and `similarity_boost` are accepted because the contract has them; a voice that
    knows no such thing does not use them.
    """

    voice_id: Name | None = None
    speed: Annotated[float, Field(ge=0.7, le=5)] = 1.0
    stability: Annotated[float, Field(ge=0, le=1)] | None = None
    similarity_boost: Annotated[float, Field(ge=0, le=1)] | None = None
    agent_output_audio_format: AudioFormatName = "pcm_16000"


class Turn(Part):
    """When the agent takes its turn, in seconds; -1 is never.

    `turn_timeout` is how long the user may be silent before the agent speaks again,
    `silence_end_call_timeout` how long before it ends the call.
    """

    turn_timeout: Limit = 7
    turn_eagerness: Literal["patient", "normal", "eager"] = "normal"
    silence_end_call_timeout: Limit = NEVER


class ConversationLimits(Part):
    """What a conversation is made of, how long it may last, and which events the client is sent."""

    text_only: bool = False
    max_duration_seconds: Annotated[int, Field(gt=0)] = 600
    client_events: Annotated[tuple[ClientEvent, ...], Field(strict=False)] = (
        CLIENT_EVENTS_BY_DEFAULT
    )


class ConversationConfig(Part):
    """All that shapes a conversation; the part a client may override some of."""

    agent: Agent = Agent()
    asr: Asr = Asr()
    tts: Tts = Tts()
    turn: Turn = Turn()
    conversation: ConversationLimits = ConversationLimits()


class Auth(Part):
    """Whether a conversation needs a signed URL or a token."""

    enable_auth: bool = False


class PlatformSettings(Part):
    """What the service around the agent does."""

    auth: Auth = Auth()


class AgentDefinition(Part):
    """One agent. In a file, `agent_id` may be left out: then it is the file's name."""

    agent_id: Name
    name: str = ""
    conversation_config: ConversationConfig = ConversationConfig()
    platform_settings: PlatformSettings = PlatformSettings()


DEFAULT_DEFINITION: Final = AgentDefinition(
    agent_id="default",
    name="Duologue",
    conversation_config=ConversationConfig(
        agent=Agent(
            first_message="Hello! I am Duologue. What would you like to know?",
            prompt=Prompt(
                prompt=(
                    "You are Duologue, a friendly voice assistant. You are talking with a person, "
                    "and your words are spoken aloud. Answer the question directly in one or two "
                    "short sentences of plain English. Never use lists, headings, symbols or code."
                ),
                temperature=0.1,
                max_tokens=60,
            ),
        ),
        turn=Turn(turn_timeout=NEVER),
        conversation=ConversationLimits(
            client_events=(
                *CLIENT_EVENTS_BY_DEFAULT,
                "agent_response_correction",
                "agent_chat_response_part",
                "client_tool_call",
                "vad_score",
            )
        ),
    ),
)
"""The agent that is built in, made for a small model: short answers, fit to be spoken."""
