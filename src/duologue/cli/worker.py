"""`duologue worker`: holds calls over WebRTC, on as many machines as there are calls for."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from duologue.agent.parent import announcement, interrupt_at_end_of
from duologue.agent.settings import MOST_CALLS, AgentSettings, LiveKitSettings
from duologue.cli.agents import (
    Agents,
    BaseUrl,
    Embedded,
    LogLevel,
    ModelName,
    VoiceSeed,
    definitions_of,
    models_of,
    start_logging,
)
from duologue.cli.extras import needing

MaxCalls = Annotated[
    int,
    typer.Option(
        min=1, help="How many calls are as much as this machine can do; the next go elsewhere."
    ),
]
Drain = Annotated[
    float,
    typer.Option(
        min=0.0,
        metavar="SECONDS",
        help="How long calls may go on after Ctrl-C or SIGTERM, while no more are taken. A second "
        "one ends them.",
    ),
]


def worker(
    agents: Agents = None,
    llm_base_url: BaseUrl = None,
    llm_model: ModelName = None,
    voice_seed: VoiceSeed = None,
    max_calls: MaxCalls = MOST_CALLS,
    drain: Drain = 0.0,
    embedded: Embedded = False,
    log_level: LogLevel = "info",
) -> None:
    """Hold calls over WebRTC on this machine; `duologue serve --no-worker` hands out their tokens.

    The calls come from the LiveKit server that LIVEKIT_URL, LIVEKIT_API_KEY and
    LIVEKIT_API_SECRET name, which spreads them over all workers. A language model of your own may
    also be named by DUOLOGUE_LLM_BASE_URL and DUOLOGUE_LLM_MODEL; its key, if it needs one, is
    taken from DUOLOGUE_LLM_API_KEY.
    """
    start_logging(log_level)
    livekit = LiveKitSettings.required_from(os.environ)
    settings = AgentSettings(
        definitions_path=agents,
        llm_base_url=llm_base_url,
        llm_model=llm_model,
        voice_seed=voice_seed,
    ).with_language_model_from(os.environ)
    if embedded:
        interrupt_at_end_of(sys.stdin.fileno())
    with suppress(KeyboardInterrupt), needing("local"):
        definitions = definitions_of(settings)
        # These bring in the engine, which takes seconds: not for those who only ask for help, or
        # whose definition has a mistake.
        from duologue.agent.rooms.process import run_worker
        from duologue.agent.speech.local import LocalSpeech

        def tell() -> None:
            if embedded:
                typer.echo(announcement(livekit.url))
                sys.stdout.flush()
            else:
                names = ", ".join(definitions)
                typer.echo(f"{livekit.url} sends calls with {names} here. Ctrl-C ends it.")

        run_worker(
            definitions,
            LocalSpeech(models_of(settings), voice_seed=settings.voice_seed),
            livekit,
            most_calls=max_calls,
            drain_s=drain,
            ready=tell,
        )
