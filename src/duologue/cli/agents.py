"""What the commands that run agents have in common: options, definitions, models and the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from duologue.agent.settings import VOICE_SEED, AgentSettings

if TYPE_CHECKING:
    from duologue.agent.definition import AgentDefinition
    from duologue.agent.speech.local import LocalModels
    from duologue.agent.speech.models import Model

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

Agents = Annotated[
    Path | None,
    typer.Argument(
        metavar="[AGENTS]",
        help="An agent's file (YAML or JSON), or a folder of them, such as one of ElevenLabs' "
        "command line. Without it, the agent that is built in.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(help="An OpenAI-compatible language model's server, such as http://…/v1."),
]
ModelName = Annotated[str | None, typer.Option(help="The language model's name there.")]
VoiceSeed = Annotated[
    int | None,
    typer.Option(
        min=0,
        envvar=VOICE_SEED,
        help="Let the voice say a text the same way every time, as tests want it: any whole "
        "number. Without it no two sentences sound quite alike.",
    ),
]
Embedded = Annotated[
    bool,
    typer.Option(
        "--embedded",
        hidden=True,
        help="For programs that start this one: print one line of JSON with the URL when ready, "
        "and stop when standard input ends.",
    ),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option(help="The least important messages to show."),
]


def definitions_of(settings: AgentSettings) -> Mapping[str, AgentDefinition]:
    """The agents by their ids; what they set without effect is told.

    Raises:
        AgentDefinitionError: a file is missing or wrong.
    """
    from duologue.agent.definition import (
        DEFAULT_DEFINITION,
        read_definitions,
        uncallable_tools,
    )
    from duologue.agent.speech.thinking.tokens import (
        CONVERSATION_TOKENS,
        INSTRUCTIONS_SHARE,
        estimated_tokens,
        instructions_fit,
    )

    if settings.definitions_path is None:
        return {DEFAULT_DEFINITION.agent_id: DEFAULT_DEFINITION}
    read = read_definitions(settings.definitions_path)
    for name, one in read.items():
        if one.without_effect:
            say(f"The agent {name} sets what has no effect here: {', '.join(one.without_effect)}.")
        prompt = one.definition.conversation_config.agent.prompt
        is_bundled = settings.llm_base_url is None and prompt.custom_llm is None
        if is_bundled and not instructions_fit(prompt.prompt, CONVERSATION_TOKENS):
            say(
                f"The agent {name} has a prompt of some {estimated_tokens(prompt.prompt)} tokens; "
                f"the bundled language model takes some "
                f"{int(CONVERSATION_TOKENS * INSTRUCTIONS_SHARE)}, and its end is left out."
            )
        tools = uncallable_tools(one.definition) if settings.llm_base_url is None else []
        if tools:
            say(
                f"The agent {name} has tools that the bundled language model cannot call "
                f"({', '.join(tools)}); name another with --llm-base-url, or give the agent a "
                "custom_llm."
            )
    return {name: one.definition for name, one in read.items()}


def models_of(settings: AgentSettings) -> LocalModels:
    """Where the models are; those that are missing are fetched first."""
    from duologue.agent.speech import models
    from duologue.agent.speech.local import LocalModels
    from duologue.agent.speech.stack import LanguageModelEndpoint

    hearing, voice = models.WHISPER_TINY_EN, models.PIPER_EN_US_JOE_MEDIUM
    thinking = models.SMOLLM2_135M_INSTRUCT
    wanted = [hearing, voice]
    language_model: Path | LanguageModelEndpoint
    if settings.llm_base_url is not None and settings.llm_model is not None:
        language_model = LanguageModelEndpoint(
            settings.llm_base_url, settings.llm_model, settings.llm_api_key
        )
    else:
        wanted.append(thinking)
        language_model = _file(thinking, ".gguf")
    models.ensure(wanted, report=models.LineReport(say))
    return LocalModels(
        whisper=models.model_folder(hearing),
        piper=_file(voice, ".onnx"),
        language_model=language_model,
    )


def _file(model: Model, suffix: str) -> Path:
    from duologue.agent.speech.models import model_folder

    name = next(file.name for file in model.files if file.name.endswith(suffix))
    return model_folder(model) / name


def say(sentence: str) -> None:
    """Tell the person at the terminal something that is no result."""
    typer.echo(sentence, err=True)


def start_logging(level: str) -> None:
    """Show our own messages from this level on, and of other libraries only what is wrong."""
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT, force=True)
    logging.getLogger("duologue").setLevel(level.upper())
