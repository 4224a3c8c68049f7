"""The agent on this machine that answers one `talk`: which it is, and the way to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from duologue.agent.access.keys import KEYS_FILE_VARIABLE, KeyFile
from duologue.agent.rooms.livekit_server import ensure_binary
from duologue.cli.extras import needing
from duologue.cli.models import pull_missing
from duologue.cli.talk.embedded import embedded_agent
from duologue.cli.talk.options import AgentOptions
from duologue.conversation.options.transport import ConnectionType


@asynccontextmanager
async def own_agent(
    definition_path: Path | None, log_path: Path | None, *, transport: ConnectionType
) -> AsyncIterator[AgentOptions]:
    """Run an agent while the block runs; gives the options of a session with it.

    A private agent is let talk, too: whoever starts it may, with a key that is made for it alone.

    Args:
        definition_path: its file; None takes the one that is built in.
        log_path: a file for all that it does; with None what was said is not kept.
        transport: the way to it; for WebRTC it gets a LiveKit server of its own, which is built
            first if it is not there.

    Raises:
        AgentError: the definition is wrong, a model or the LiveKit server cannot be had, or the
            agent could not start.
    """
    with needing("local"):
        from duologue.agent.definition import DEFAULT_DEFINITION, load_definition

    definition = load_definition(definition_path) if definition_path else DEFAULT_DEFINITION
    pull_missing()
    if transport == "webrtc":
        ensure_binary(_say)
    _say("Starting the agent on this machine …")
    with TemporaryDirectory() as folder:
        keys = KeyFile(Path(folder) / "keys.json")
        agent: AgentOptions = {"agent_id": definition.agent_id, "connection_type": transport}
        if definition.platform_settings.auth.enable_auth:
            agent["api_key"] = keys.create("talk")
        async with embedded_agent(
            definition=definition_path,
            log_path=log_path,
            # Who asks for the log wants to see all.
            log_level="debug" if log_path else "info",
            environment=os.environ | {KEYS_FILE_VARIABLE: str(keys.path)},
            with_livekit=transport == "webrtc",
        ) as origin:
            yield {**agent, "origin": origin}


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
