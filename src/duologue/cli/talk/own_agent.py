"""The agent on this machine that answers one `talk`: which it is, and the way to it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from duologue.cli.extras import needing
from duologue.cli.models import pull_missing
from duologue.cli.talk.embedded import embedded_agent
from duologue.cli.talk.options import AgentOptions


@asynccontextmanager
async def own_agent(
    definition_path: Path | None, log_path: Path | None
) -> AsyncIterator[AgentOptions]:
    """Run an agent while the block runs; gives the options of a session with it.

    A private agent is let talk, too: whoever starts it may.

    Args:
        definition_path: its YAML file; None takes the one that is built in.
        log_path: a file for all that it does; with None what was said is not kept.

    Raises:
        AgentError: the definition is wrong, a model cannot be had, or the agent could not start.
    """
    with needing("local"):
        from duologue.agent.auth import SIGNING_SECRET_VARIABLE, ConversationSigner
        from duologue.agent.conversation_url import signed_url
        from duologue.agent.definition import DEFAULT_DEFINITION, load_definition

    definition = load_definition(definition_path) if definition_path else DEFAULT_DEFINITION
    pull_missing()
    environment = dict(os.environ)
    if not environment.get(SIGNING_SECRET_VARIABLE):
        environment[SIGNING_SECRET_VARIABLE] = secrets.token_urlsafe(32)
    signer = ConversationSigner.from_environment(environment)
    typer.echo("Starting the agent on this machine …", err=True)
    async with embedded_agent(
        definition=definition_path,
        log_path=log_path,
        # Who asks for the log wants to see all.
        log_level="debug" if log_path else "info",
        environment=environment,
    ) as origin:
        if definition.platform_settings.auth.enable_auth:
            yield {"signed_url": signed_url(origin, definition.agent_id, signer)}
        else:
            yield {"agent_id": definition.agent_id, "origin": origin}
