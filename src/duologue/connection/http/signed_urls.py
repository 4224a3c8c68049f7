"""Asking a server for a signed URL: the way to a private agent, for those who hold a key."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from duologue.connection.http.credentials import (
    DUOLOGUE_KEY_VARIABLE,
    ELEVENLABS_KEY_VARIABLE,
    ApiKey,
    api_key_for,
)
from duologue.connection.http.elsewhere import check_way_on
from duologue.connection.http.endpoints import (
    ORIGIN_VARIABLE,
    Region,
    chosen_origin,
    server_of,
    signed_conversation_url,
    signed_url_url,
    wishes_of,
)
from duologue.connection.http.request import ask, checked_timeout_s
from duologue.errors import (
    RequestFailed,
    RequestRefused,
    SessionConnectionError,
    SignedUrlRefused,
)

DEFAULT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class SignedUrlRequest:
    """What is to be asked, where, and with which key.

    Attributes:
        origin: the server, with any scheme that `origin` may have.
        agent_id: the agent to talk to.
        key: from `api_key_for` this server.
        environment: the server's environment of that name.
        wishes: what else it is asked for; see `wishes_of`.
    """

    origin: str
    agent_id: str
    key: ApiKey
    environment: str | None = None
    wishes: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where to ask. There is nothing secret in it."""
        return signed_url_url(
            self.origin, self.agent_id, environment=self.environment, wishes=self.wishes
        )


async def get_signed_url(
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

    For back ends: they hold the key, and hand the URL to a client that has none, where it is the
    option `signed_url`. It is a secret. Cancelling releases everything.

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
    if not isinstance(agent_id, str):
        raise TypeError(f"agent_id must be a string, not {type(agent_id).__name__}")
    if not agent_id:
        raise ValueError("agent_id is empty")
    timeout_s = checked_timeout_s(timeout)
    origin = chosen_origin(origin, region)
    key = api_key_for(origin, api_key)
    if key is None:
        raise ValueError(
            f"there is no key for {server_of(origin)}; pass api_key, or set "
            f"{ELEVENLABS_KEY_VARIABLE} for ElevenLabs, {DUOLOGUE_KEY_VARIABLE} for the server in "
            f"{ORIGIN_VARIABLE}"
        )
    request = SignedUrlRequest(
        origin=origin,
        agent_id=agent_id,
        key=key,
        environment=environment,
        wishes=wishes_of(
            branch_id=branch_id,
            version_id=version_id,
            include_conversation_id=include_conversation_id,
            debug_events_request=debug_events_request,
        ),
    )
    return await fetch_signed_url(request, timeout_s=timeout_s, ssl_context=ssl_context)


async def fetch_signed_url(
    request: SignedUrlRequest, *, timeout_s: float, ssl_context: ssl.SSLContext | None = None
) -> str:
    """Ask for a signed URL. Cancelling releases everything.

    Raises:
        SignedUrlRefused: the server answered with an error.
        SessionConnectionError: the server cannot be reached, takes too long, or makes no sense.
    """
    purpose = f"give a signed URL for {request.agent_id!r} with the key in {request.key.name}"
    try:
        body = await ask(
            "GET",
            request.url,
            purpose=purpose,
            timeout_s=timeout_s,
            key=request.key,
            ssl_context=ssl_context,
        )
    except RequestRefused as refused:
        raise SignedUrlRefused(
            str(refused), http_status=refused.http_status, detail=refused.detail
        ) from None
    except RequestFailed as failed:
        raise SessionConnectionError(str(failed)) from None
    return _signed_url(request, body)


class _Answer(msgspec.Struct):
    signed_url: str


def _signed_url(request: SignedUrlRequest, body: bytes) -> str:
    try:
        signed_url = msgspec.json.decode(body, type=_Answer).signed_url
        signed_conversation_url(signed_url)
    except ValueError:  # msgspec's errors are ValueErrors, too
        raise SessionConnectionError(
            f"{server_of(request.origin)} answered without a signed URL; is it an agent's server?"
        ) from None
    check_way_on(request.url, signed_url, "signed URL")
    return signed_url
