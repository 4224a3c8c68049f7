"""Generated from `duologue.connection.http.tokens` by `make blocking`; not to be edited."""

from __future__ import annotations

import ssl

from duologue.blocking.loop_thread import run
from duologue.connection.http.endpoints import Region
from duologue.connection.http.tokens import DEFAULT_TIMEOUT_S
from duologue.connection.http.tokens import get_conversation_token as asyncio_get_conversation_token


def get_conversation_token(
    agent_id: str,
    *,
    api_key: str | None = None,
    origin: str | None = None,
    region: Region | None = None,
    environment: str | None = None,
    branch_id: str | None = None,
    version_id: str | None = None,
    participant_name: str | None = None,
    debug_events_request: bool = False,
    timeout: float = DEFAULT_TIMEOUT_S,
    ssl_context: ssl.SSLContext | None = None,
) -> str:
    """A token with which one conversation with an agent may begin over WebRTC.

    For back ends: they hold the key, and hand the token to a client that has none, where it is
    the option `conversation_token`. It is a secret.

    Args:
        agent_id: the agent to talk to.
        api_key: the server's key; without it `DUOLOGUE_API_KEY` is taken for the server in
            `DUOLOGUE_ORIGIN`, and `ELEVENLABS_API_KEY` for ElevenLabs' own. A public agent needs
            none.
        origin: the server; without it that in `DUOLOGUE_ORIGIN`, or else ElevenLabs' own.
        region: ElevenLabs' server there, such as "eu-residency"; not together with `origin`.
        environment: the server's environment of that name.
        branch_id: which branch of the agent.
        version_id: which version of the agent.
        participant_name: the user's name in the room.
        debug_events_request: whether the server is to send events for debugging.
        timeout: how many seconds the server may take.
        ssl_context: how TLS is done with the server; None for the usual way.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: the key would travel readably over a network, the origin or the region is none,
            or both are given, or `timeout` is not positive.
        ConversationTokenRefused: the server answered with an error, such as 401 for a wrong key.
        SessionConnectionError: the server cannot be reached, is too slow, or makes no sense.
    """
    return run(
        lambda: asyncio_get_conversation_token(
            agent_id,
            api_key=api_key,
            origin=origin,
            region=region,
            environment=environment,
            branch_id=branch_id,
            version_id=version_id,
            participant_name=participant_name,
            debug_events_request=debug_events_request,
            timeout=timeout,
            ssl_context=ssl_context,
        ),
        "get_conversation_token",
    )
