"""Generated from `duologue.connection.http.signed_urls` by `make blocking`; not to be edited."""

from __future__ import annotations

import ssl

from duologue.blocking.loop_thread import run
from duologue.connection.http.endpoints import Region
from duologue.connection.http.signed_urls import DEFAULT_TIMEOUT_S
from duologue.connection.http.signed_urls import get_signed_url as asyncio_get_signed_url


def get_signed_url(
    agent_id: str,
    *,
    api_key: str | None = None,
    origin: str | None = None,
    region: Region | None = None,
    environment: str | None = None,
    branch_id: str | None = None,
    version_id: str | None = None,
    include_conversation_id: bool = False,
    debug_events_request: bool = False,
    timeout: float = DEFAULT_TIMEOUT_S,
    ssl_context: ssl.SSLContext | None = None,
) -> str:
    """A URL with which one conversation with a private agent may begin, within 15 minutes.

    For back ends: they hold the key, and hand the URL to a client that has none, where it is
    the option `signed_url`. It is a secret.

    Args:
        agent_id: the agent to talk to.
        api_key: the server's key; without it `DUOLOGUE_API_KEY` is taken for the server in
            `DUOLOGUE_ORIGIN`, and `ELEVENLABS_API_KEY` for ElevenLabs' own.
        origin: the server; without it that in `DUOLOGUE_ORIGIN`, or else ElevenLabs' own.
        region: ElevenLabs' server there, such as "eu-residency"; not together with `origin`.
        environment: the server's environment of that name.
        branch_id: which branch of the agent.
        version_id: which version of the agent.
        include_conversation_id: whether the URL names the conversation, and is good for one only.
        debug_events_request: whether the server is to send events for debugging.
        timeout: how many seconds the server may take.
        ssl_context: how TLS is done with the server; None for the usual way.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: `agent_id` is empty, there is no key for this server, the key would travel
            readably over a network, the origin or the region is none, or both are given, or
            `timeout` is not positive.
        SignedUrlRefused: the server answered with an error, such as 401 for a wrong key.
        SessionConnectionError: the server cannot be reached, is too slow, or makes no sense.
    """
    return run(
        lambda: asyncio_get_signed_url(
            agent_id,
            api_key=api_key,
            origin=origin,
            region=region,
            environment=environment,
            branch_id=branch_id,
            version_id=version_id,
            include_conversation_id=include_conversation_id,
            debug_events_request=debug_events_request,
            timeout=timeout,
            ssl_context=ssl_context,
        ),
        "get_signed_url",
    )
