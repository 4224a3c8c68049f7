"""`duologue serve`: the agent's server on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from duologue.agent.listener import listen, url_of
from duologue.agent.parent import announcement, interrupt_at_end_of
from duologue.agent.settings import LiveKitSettings, ServerSettings
from duologue.cli.agents import (
    Agents,
    BaseUrl,
    Embedded,
    LogLevel,
    ModelName,
    VoiceSeed,
    definitions_of,
    models_of,
    say,
    start_logging,
)
from duologue.cli.extras import needing
from duologue.errors import ServerError

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 lets the system choose one.")]
LiveKitDev = Annotated[
    bool,
    typer.Option(
        "--livekit-dev",
        help="Start a LiveKit server on loopback, so that browsers can call over WebRTC. It is "
        "built first, with Go, if it is not there.",
    ),
]
WorkerHere = Annotated[
    bool,
    typer.Option(
        "--worker/--no-worker",
        help="Hold the calls over WebRTC in this process too, or leave them to `duologue worker`.",
    ),
]


def serve(
    agents: Agents = None,
    host: Host = ServerSettings.host,
    port: Port = ServerSettings.port,
    llm_base_url: BaseUrl = None,
    llm_model: ModelName = None,
    voice_seed: VoiceSeed = None,
    livekit_dev: LiveKitDev = False,
    worker: WorkerHere = True,
    embedded: Embedded = False,
    log_level: LogLevel = "info",
) -> None:
    """Run agents on this machine, for any client that speaks the protocol.

    A language model of your own may also be named by DUOLOGUE_LLM_BASE_URL and
    DUOLOGUE_LLM_MODEL; its key, if it needs one, is taken from DUOLOGUE_LLM_API_KEY. The URLs
    of private agents are signed with DUOLOGUE_SIGNING_SECRET, or else with a secret that lasts as
    long as the server; `duologue keys` says who may get them. Calls over WebRTC come through the
    LiveKit server that LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name; `duologue worker`
    takes some of them.
    """
    start_logging(log_level)
    settings = ServerSettings(
        host=host,
        port=port,
        definitions_path=agents,
        llm_base_url=llm_base_url,
        llm_model=llm_model,
        voice_seed=voice_seed,
    ).with_language_model_from(os.environ)
    with suppress(KeyboardInterrupt):
        _serve(settings, livekit_dev=livekit_dev, worker=worker, embedded=embedded)


def _serve(settings: ServerSettings, *, livekit_dev: bool, worker: bool, embedded: bool) -> None:
    if not worker and livekit_dev:
        raise ServerError(
            "--livekit-dev starts a LiveKit server for this process alone, and --no-worker leaves "
            "its calls to others; leave one of them out"
        )
    if embedded:
        interrupt_at_end_of(sys.stdin.fileno())
    with (
        listen(settings.host, settings.port) as listener,
        _livekit(start=livekit_dev, is_needed=not worker) as livekit,
        needing("local"),
    ):
        definitions = definitions_of(settings)
        # These bring in the engine, which takes seconds: not for those who only ask for help,
        # whose port is in use, or whose definition has a mistake.
        from duologue.agent.access.signatures import ConversationSigner
        from duologue.agent.app import create_app
        from duologue.agent.server import run_server
        from duologue.agent.speech.local import LocalSpeech

        signer = ConversationSigner.from_environment(os.environ)
        app = create_app(
            definitions,
            LocalSpeech(models_of(settings), voice_seed=settings.voice_seed),
            signer=signer,
            livekit=livekit,
            holds_room_calls=worker,
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
def _livekit(*, start: bool, is_needed: bool) -> Iterator[LiveKitSettings | None]:
    """The LiveKit server for WebRTC: one of our own, that of the environment, or none."""
    if is_needed:
        yield LiveKitSettings.required_from(os.environ)
        return
    if not start:
        yield LiveKitSettings.from_environment(os.environ)
        return
    from duologue.agent.rooms.livekit_server import running_livekit_server

    with running_livekit_server(say) as settings:
        say(f"LiveKit runs at {settings.url}, for this server alone.")
        yield settings
