"""`duologue serve`: the agent's server on this machine."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from duologue.agent.listener import listen, url_of
from duologue.agent.parent import announcement, interrupt_at_end_of
from duologue.agent.settings import LiveKitSettings, ServerSettings
from duologue.cli.extras import needing

if TYPE_CHECKING:
    from duologue.agent.definition import AgentDefinition
    from duologue.agent.speech.local import LocalModels
    from duologue.agent.speech.models import Model

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

Agents = Annotated[
    Path | None,
    typer.Argument(
        metavar="[AGENTS]",
        help="An agent's YAML file, or a folder of them. Without it, the agent that is built in.",
    ),
]
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 lets the system choose one.")]
BaseUrl = Annotated[
    str | None,
    typer.Option(help="An OpenAI-compatible language model's server, such as http://…/v1."),
]
ModelName = Annotated[str | None, typer.Option(help="The language model's name there.")]
Embedded = Annotated[
    bool,
    typer.Option(
        "--embedded",
        hidden=True,
        help="For programs that start this one: print one line of JSON with the URL when ready, "
        "and stop when standard input ends.",
    ),
]
LiveKitDev = Annotated[
    bool,
    typer.Option(
        "--livekit-dev",
        help="Start a LiveKit server on loopback, so that browsers can call over WebRTC. It is "
        "built first, with Go, if it is not there.",
    ),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option(help="The least important messages to show."),
]


def serve(
    agents: Agents = None,
    host: Host = ServerSettings.host,
    port: Port = ServerSettings.port,
    llm_base_url: BaseUrl = None,
    llm_model: ModelName = None,
    livekit_dev: LiveKitDev = False,
    embedded: Embedded = False,
    log_level: LogLevel = "info",
) -> None:
    """Run agents on this machine, for any client that speaks the protocol.

    A language model of your own may also be named by DUOLOGUE_LLM_BASE_URL and
    DUOLOGUE_LLM_MODEL; its key, if it needs one, is taken from DUOLOGUE_LLM_API_KEY. The URLs
    of private agents are signed with DUOLOGUE_SIGNING_SECRET, or else with a secret that lasts as
    long as the server; `duologue keys` says who may get them. Calls over WebRTC come through the
    LiveKit server that LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name.
    """
    _start_logging(log_level)
    settings = ServerSettings(
        host=host,
        port=port,
        definitions_path=agents,
        llm_base_url=llm_base_url,
        llm_model=llm_model,
    ).with_language_model_from(os.environ)
    with suppress(KeyboardInterrupt):
        _serve(settings, livekit_dev=livekit_dev, embedded=embedded)


def _serve(settings: ServerSettings, *, livekit_dev: bool, embedded: bool) -> None:
    if embedded:
        interrupt_at_end_of(sys.stdin.fileno())
    with (
        listen(settings.host, settings.port) as listener,
        _livekit(start=livekit_dev) as livekit,
        needing("local"),
    ):
        definitions = _definitions(settings)
        # These bring in the engine, which takes seconds: not for those who only ask for help,
        # whose port is in use, or whose definition has a mistake.
        from duologue.agent.app import create_app
        from duologue.agent.auth import ConversationSigner
        from duologue.agent.server import run_server
        from duologue.agent.speech.local import LocalSpeech

        signer = ConversationSigner.from_environment(os.environ)
        app = create_app(
            definitions, LocalSpeech(_models(settings)), signer=signer, livekit=livekit
        )
        url = url_of(listener)

        def tell() -> None:
            if embedded:
                typer.echo(announcement(url))
                sys.stdout.flush()
            else:
                typer.echo(f"{url} has the agents {', '.join(definitions)}. Ctrl-C ends it.")

        run_server(app, listener, ready=tell)


@contextmanager
def _livekit(*, start: bool) -> Iterator[LiveKitSettings | None]:
    """The LiveKit server for WebRTC: one of our own, that of the environment, or none."""
    if not start:
        yield LiveKitSettings.from_environment(os.environ)
        return
    from duologue.agent.livekit_server import running_livekit_server

    with running_livekit_server(_say) as settings:
        _say(f"LiveKit runs at {settings.url}, for this server alone.")
        yield settings


def _definitions(settings: ServerSettings) -> Mapping[str, AgentDefinition]:
    from duologue.agent.definition import DEFAULT_DEFINITION, load_definitions, unused_settings

    if settings.definitions_path is None:
        return {DEFAULT_DEFINITION.agent_id: DEFAULT_DEFINITION}
    definitions = load_definitions(settings.definitions_path)
    for name, definition in definitions.items():
        if unused := unused_settings(definition):
            _say(f"The agent {name} sets {', '.join(unused)}: without effect here.")
    return definitions


def _models(settings: ServerSettings) -> LocalModels:
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
    models.ensure(wanted, report=models.LineReport(_say))
    return LocalModels(
        whisper=models.model_folder(hearing),
        piper=_file(voice, ".onnx"),
        language_model=language_model,
    )


def _file(model: Model, suffix: str) -> Path:
    from duologue.agent.speech.models import model_folder

    name = next(file.name for file in model.files if file.name.endswith(suffix))
    return model_folder(model) / name


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _start_logging(level: str) -> None:
    """Show our own messages from this level on, and of other libraries only what is wrong."""
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT, force=True)
    logging.getLogger("duologue").setLevel(level.upper())
