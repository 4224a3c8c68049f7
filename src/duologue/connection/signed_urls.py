"""Asking a server for a signed URL: the way to a private agent, for those who hold a key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from duologue.connection.credentials import (
    DUOLOGUE_KEY_VARIABLE,
    ELEVENLABS_KEY_VARIABLE,
    ApiKey,
    api_key_for,
    is_loopback,
)
from duologue.connection.endpoints import (
    ORIGIN_VARIABLE,
    Region,
    chosen_origin,
    http_origin,
    server_of,
    signed_conversation_url,
)
from duologue.errors import SessionConnectionError, SignedUrlRefused

KEY_HEADER: Final = "xi-api-key"

DEFAULT_TIMEOUT_S: Final = 10.0

ANSWER_LIMIT_BYTES: Final = 64 * 1024
"""More than this is no answer to the question; ElevenLabs' has less than 1 kB."""

DETAIL_LIMIT: Final = 300
"""So many characters of a server's explanation go into an error."""


@dataclass(frozen=True, kw_only=True)
class SignedUrlRequest:
    """What is to be asked, where, and with which key.

    Attributes:
        origin: the server, with any scheme that `origin` may have.
        agent_id: the agent to talk to.
        key: from `api_key_for` this server.
        environment: the server's environment of that name.
    """

    origin: str
    agent_id: str
    key: ApiKey
    environment: str | None = None

    @property
    def url(self) -> str:
        """Where to ask. There is nothing secret in it."""
        query = {"agent_id": self.agent_id}
        if self.environment is not None:
            query["environment"] = self.environment
        path = "/v1/convai/conversation/get-signed-url"
        return f"{http_origin(self.origin)}{path}?{urlencode(query, quote_via=quote, safe='')}"


async def get_signed_url(
    agent_id: str,
    *,
    api_key: str | None = None,
    origin: str | None = None,
    region: Region | None = None,
    environment: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
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
        timeout: how many seconds the server may take.

    Raises:
        ValueError: there is no key for this server, the key would travel readably over a network,
            the origin or the region is none, or both are given.
        SignedUrlRefused: the server answered with an error, such as 401 for a wrong key.
        SessionConnectionError: the server cannot be reached, is too slow, or makes no sense.
    """
    origin = chosen_origin(origin, region)
    key = api_key_for(origin, api_key)
    if key is None:
        raise ValueError(
            f"there is no key for {server_of(origin)}; pass api_key, or set "
            f"{ELEVENLABS_KEY_VARIABLE} for ElevenLabs, {DUOLOGUE_KEY_VARIABLE} for the server in "
            f"{ORIGIN_VARIABLE}"
        )
    request = SignedUrlRequest(origin=origin, agent_id=agent_id, key=key, environment=environment)
    return await fetch_signed_url(request, timeout_s=timeout)


async def fetch_signed_url(request: SignedUrlRequest, *, timeout_s: float) -> str:
    """Ask for a signed URL. Cancelling releases everything.

    Raises:
        SignedUrlRefused: the server answered with an error.
        SessionConnectionError: the server cannot be reached, takes too long, or makes no sense.
    """
    server = server_of(request.origin)
    try:
        async with asyncio.timeout(timeout_s):
            status, body = await _ask(request)
    except TimeoutError:
        raise SessionConnectionError(
            f"{server} gave no signed URL within {timeout_s:g} s; check the address, or allow more"
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        # The cause stays out of tracebacks: it may show the request with its key.
        raise SessionConnectionError(
            f"{server} cannot be asked for a signed URL ({type(error).__name__}); "
            "is the server running, and is `origin` right?"
        ) from None
    if status != 200:
        raise _refused(request, status, body)
    return _signed_url(request, body)


async def _ask(request: SignedUrlRequest) -> tuple[int, bytes]:
    """The status and the body of the answer. Redirects are not followed: they would take the key
    elsewhere. Nor does a key to this machine go through a proxy, which would read it."""
    body = bytearray()
    async with (
        aiohttp.ClientSession(trust_env=not is_loopback(request.origin)) as http,
        http.get(
            request.url, headers={KEY_HEADER: request.key.value}, allow_redirects=False
        ) as response,
    ):
        async for chunk in response.content.iter_chunked(4096):
            body += chunk
            if len(body) > ANSWER_LIMIT_BYTES:
                break
    return response.status, bytes(body)


class _Answer(msgspec.Struct):
    signed_url: str


class _Detail(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    detail: _Detail | str


def _signed_url(request: SignedUrlRequest, body: bytes) -> str:
    try:
        signed_url = msgspec.json.decode(body, type=_Answer).signed_url
        signed_conversation_url(signed_url)
    except ValueError:  # msgspec's errors are ValueErrors, too
        raise SessionConnectionError(
            f"{server_of(request.origin)} answered without a signed URL; is it an agent's server?"
        ) from None
    if request.url.startswith("https:") and not signed_url.strip().lower().startswith("wss:"):
        raise SessionConnectionError(
            f"{server_of(request.origin)} was asked over TLS, but its signed URL is without; is "
            "there a proxy in front that does not tell the server (X-Forwarded-Proto)?"
        )
    return signed_url


def _refused(request: SignedUrlRequest, status: int, body: bytes) -> SignedUrlRefused:
    detail = _detail(body).replace(request.key.value, "…")[:DETAIL_LIMIT]
    return SignedUrlRefused(
        f"{server_of(request.origin)} gave no signed URL for {request.agent_id!r} with the key in "
        f"{request.key.name}: HTTP status {status}{f', {detail}' if detail else ''}",
        http_status=status,
        detail=detail or None,
    )


def _detail(body: bytes) -> str:
    """The explanation in an error of ElevenLabs' API; empty if there is none."""
    try:
        detail = msgspec.json.decode(body, type=_Refusal).detail
    except ValueError:
        return ""
    return detail if isinstance(detail, str) else detail.message
