"""Asking a server for a token: the way into the room of a conversation over WebRTC."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from duologue.connection.http.credentials import ApiKey, api_key_for
from duologue.connection.http.elsewhere import check_way_on
from duologue.connection.http.endpoints import (
    Region,
    chosen_origin,
    conversation_token_url,
    server_of,
    socket_url,
    wishes_of,
)
from duologue.connection.http.request import ask, checked_timeout_s
from duologue.errors import (
    ConversationTokenRefused,
    RequestFailed,
    RequestRefused,
    SessionConnectionError,
)

DEFAULT_TIMEOUT_S: Final = 10.0

NO_WEBRTC: Final = 501
"""The HTTP status with which a server says that it has no WebRTC."""

_NOT_ALLOWED: Final = (401, 403)
_NOT_THERE: Final = (404, 405)


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What is to be asked, where, and with which key.

    Attributes:
        origin: the server, with any scheme that `origin` may have.
        agent_id: the agent to talk to.
        key: from `api_key_for` this server; None for a public agent.
        environment: the server's environment of that name.
        wishes: what else it is asked for; see `wishes_of`.
    """

    origin: str = field(repr=False)  # may hold a password
    agent_id: str
    key: ApiKey | None
    environment: str | None = None
    wishes: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where to ask."""
        return conversation_token_url(
            self.origin, self.agent_id, environment=self.environment, wishes=self.wishes
        )


@dataclass(frozen=True, kw_only=True)
class TokenAnswer:
    """What a server has given.

    Attributes:
        token: lets its holder into one room, once; a secret.
        livekit_url: where the room is, if the server has said so.
    """

    token: str = field(repr=False)
    livekit_url: str | None


async def get_conversation_token(
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

    For back ends: they hold the key, and hand the token to a client that has none, where it is the
    option `conversation_token`. It is a secret. Cancelling releases everything.

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
    timeout_s = checked_timeout_s(timeout)
    origin = chosen_origin(origin, region)
    request = TokenRequest(
        origin=origin,
        agent_id=agent_id,
        key=api_key_for(origin, api_key),
        environment=environment,
        wishes=wishes_of(
            branch_id=branch_id,
            version_id=version_id,
            participant_name=participant_name,
            debug_events_request=debug_events_request,
        ),
    )
    answer = await fetch_conversation_token(request, timeout_s=timeout_s, ssl_context=ssl_context)
    return answer.token


async def fetch_conversation_token(
    request: TokenRequest, *, timeout_s: float, ssl_context: ssl.SSLContext | None = None
) -> TokenAnswer:
    """Ask for a token. Cancelling releases everything.

    Raises:
        ConversationTokenRefused: the server answered with an error.
        SessionConnectionError: the server cannot be reached, takes too long, or makes no sense.
    """
    shown = f" with the key in {request.key.name}" if request.key else ""
    try:
        body = await ask(
            "GET",
            request.url,
            purpose=f"give a token for WebRTC for {request.agent_id!r}{shown}",
            timeout_s=timeout_s,
            key=request.key,
            ssl_context=ssl_context,
        )
    except RequestRefused as refused:
        raise ConversationTokenRefused(
            f"{refused}{_advice(refused.http_status, request.key)}",
            http_status=refused.http_status,
            detail=refused.detail,
        ) from None
    except RequestFailed as failed:
        raise SessionConnectionError(str(failed)) from None
    return _answer(request, body)


def _advice(http_status: int, key: ApiKey | None) -> str:
    if http_status == NO_WEBRTC:
        return "; it has no WebRTC, so pass connection_type='websocket'"
    if http_status in _NOT_THERE:
        return "; is the agent there? If the server has no WebRTC, pass connection_type='websocket'"
    if http_status not in _NOT_ALLOWED:
        return ""
    if key is not None:
        return "; is it the key of this server, and the agent one of its owner's?"
    return (
        "; a private agent needs a conversation_token from your back end, or an api_key where a "
        "key may be"
    )


class _Answer(msgspec.Struct):
    token: str
    livekit_url: str | None = None


def _answer(request: TokenRequest, body: bytes) -> TokenAnswer:
    server = server_of(request.url)
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        livekit_url = answer.livekit_url or None
        if livekit_url is not None:
            socket_url(livekit_url, "livekit_url")
        if not answer.token.strip():
            raise ValueError("an empty token")
    except ValueError:  # msgspec's errors are ValueErrors, too
        raise SessionConnectionError(
            f"{server} answered without a token for WebRTC, or names no address of LiveKit; is it "
            "an agent's server? If it is, pass connection_type='websocket'"
        ) from None
    if livekit_url is not None:
        check_way_on(request.url, livekit_url, "LiveKit server")
    return TokenAnswer(token=answer.token.strip(), livekit_url=livekit_url)
