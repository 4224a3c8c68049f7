"""Where an agent's server is, and the URL of a conversation there."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

DEFAULT_ORIGIN = "wss://api.elevenlabs.io"
"""ElevenLabs' own server, as their JavaScript client has it."""

ORIGIN_VARIABLE = "DUOLOGUE_ORIGIN"

Region = Literal["us", "global", "eu-residency", "in-residency", "sg-residency"]

REGION_ORIGINS: dict[str, str] = {
    "us": DEFAULT_ORIGIN,
    "global": DEFAULT_ORIGIN,
    "eu-residency": "wss://api.eu.residency.elevenlabs.io",
    "in-residency": "wss://api.in.residency.elevenlabs.io",
    "sg-residency": "wss://api.sg.residency.elevenlabs.io",
}
"""ElevenLabs' servers by the names of their JavaScript client 1.25.0; the last is of their Python
SDK 2.78.0."""

LIVEKIT_URLS: dict[str, str] = {
    "api.elevenlabs.io": "wss://livekit.rtc.elevenlabs.io",
    "api.us.elevenlabs.io": "wss://livekit.rtc.elevenlabs.io",
    "api.eu.residency.elevenlabs.io": "wss://livekit.rtc.eu.residency.elevenlabs.io",
    "api.in.residency.elevenlabs.io": "wss://livekit.rtc.in.residency.elevenlabs.io",
}
"""ElevenLabs' LiveKit servers by the hosts to which they belong, of their JavaScript client 1.25.0;
it knows none for sg-residency."""

ELEVENLABS_HOSTS = frozenset(
    {"api.us.elevenlabs.io", *(origin.removeprefix("wss://") for origin in REGION_ORIGINS.values())}
)
"""ElevenLabs' own servers: those of the regions, and one more of their Python SDK."""

CONVERSATION_PATH = "/v1/convai/conversation"

SOURCE = "duologue"
"""The name by which a server knows this client."""

MEMORY_SCHEME = "memory"
"""The scheme of agents in the caller's own event loop, for tests."""

NO_WISHES: Final[Mapping[str, str]] = MappingProxyType({})
"""Nothing else is asked for."""

_SOCKET_SCHEME = {
    "ws": "ws",
    "http": "ws",
    "wss": "wss",
    "https": "wss",
    MEMORY_SCHEME: MEMORY_SCHEME,
}


def version() -> str:
    """The version of this library, as a server is told."""
    try:
        return importlib.metadata.version("duologue")
    except importlib.metadata.PackageNotFoundError:
        return "0"  # run from a source tree that was never installed


def socket_origin(origin: str, name: str = "origin") -> str:
    """An origin with the scheme of WebSockets and without a slash at its end.

    Args:
        origin: the address of a server.
        name: the option or variable that it comes from.

    Raises:
        TypeError: it is no string.
        ValueError: it is no origin: another scheme, no host, or a query.
    """
    if not isinstance(origin, str):
        raise TypeError(f"{name} must be a string, not {type(origin).__name__}")
    parts = _split(origin)
    scheme = _SOCKET_SCHEME.get(parts.scheme) if parts else None
    if parts is None or scheme is None or parts.query or parts.fragment:
        raise ValueError(
            f"{name}={_shown(origin)!r} is not the address of a server; "
            "expected something like 'wss://api.elevenlabs.io' or 'http://127.0.0.1:8080'"
        )
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def http_origin(origin: str) -> str:
    """An origin with the scheme of HTTP, otherwise as by `socket_origin`.

    Raises:
        ValueError: as there.
    """
    return socket_origin(origin).replace("ws", "http", 1)


def chosen_origin(origin: str | None, region: str | None = None) -> str:
    """The origin or that of the region that a caller gives, else that in `DUOLOGUE_ORIGIN`, or
    else ElevenLabs' own.

    Raises:
        ValueError: both are given, there is no such region, or the variable has no address.
    """
    if origin is not None and region is not None:
        raise ValueError(
            f"origin={_shown(origin)!r} and region={region!r} contradict each other: a region is "
            "one of ElevenLabs' servers; leave one of them out"
        )
    if region is not None:
        return _region_origin(region)
    if origin is not None:
        return origin
    found = os.environ.get(ORIGIN_VARIABLE)
    if not found:
        return DEFAULT_ORIGIN
    socket_origin(found, ORIGIN_VARIABLE)  # what is wrong with it is said under its own name
    return found


def server_of(url: object) -> str:
    """The part of a URL that may be shown; the others may hold a signature or a password."""
    parts = urlsplit(str(url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def conversation_url(
    origin: str,
    agent_id: str,
    *,
    environment: str | None = None,
    wishes: Mapping[str, str] = NO_WISHES,
) -> str:
    """The URL of a conversation with a public agent."""
    query = {"agent_id": agent_id, **wishes, **_client_query(environment)}
    return f"{socket_origin(origin)}{CONVERSATION_PATH}?{_encoded(query)}"


def conversation_token_url(
    origin: str,
    agent_id: str,
    *,
    environment: str | None = None,
    wishes: Mapping[str, str] = NO_WISHES,
) -> str:
    """The HTTP URL where a token for a conversation over WebRTC is given."""
    query = {"agent_id": agent_id, **wishes, **_client_query(environment)}
    return f"{http_origin(origin)}{CONVERSATION_PATH}/token?{_encoded(query)}"


def signed_url_url(
    origin: str,
    agent_id: str,
    *,
    environment: str | None = None,
    wishes: Mapping[str, str] = NO_WISHES,
) -> str:
    """The HTTP URL where a signed URL is given."""
    query = {"agent_id": agent_id, **wishes}
    if environment is not None:
        query["environment"] = environment
    return f"{http_origin(origin)}{CONVERSATION_PATH}/get-signed-url?{_encoded(query)}"


def wishes_of(**given: object) -> dict[str, str]:
    """What else a server is asked for, as it stands in a query; None and False are left out.

    Args:
        given: the parameters, by the names that the server has for them.

    Raises:
        TypeError: one is neither a string nor a bool.
        ValueError: one is empty.
    """
    wishes = {}
    for name, value in given.items():
        if value is None or value is False:
            continue
        if not isinstance(value, str | bool):
            raise TypeError(f"{name} must be a string, not {type(value).__name__}")
        if value == "":
            raise ValueError(f"{name} is empty")
        wishes[name] = "true" if value is True else str(value)
    return wishes


def livekit_url_of(origin: str) -> str | None:
    """The LiveKit server that belongs to one of ElevenLabs' own; None if nothing is known."""
    return LIVEKIT_URLS.get(urlsplit(socket_origin(origin)).hostname or "")


def signed_conversation_url(signed_url: str, *, environment: str | None = None) -> str:
    """The URL of a conversation for which a back end has got a signed URL.

    Raises:
        ValueError: it is no ws or wss URL. The message leaves the URL out, since it is a secret.
    """
    # What is read from a file ends with a line break.
    signed_url = socket_url(signed_url.strip(), "signed_url")
    query = _encoded(_client_query(environment))
    return f"{signed_url}{'&' if '?' in signed_url else '?'}{query}"


def conversation_part_url(origin: str, conversation_id: str, part: str) -> str:
    """The HTTP URL of something that belongs to one conversation, such as its files.

    Raises:
        TypeError: the id is no string.
        ValueError: the id is empty, or the origin is none.
    """
    if not isinstance(conversation_id, str):
        raise TypeError(f"conversation_id must be a string, not {type(conversation_id).__name__}")
    if not conversation_id:
        raise ValueError("conversation_id is empty")
    path = f"/v1/convai/conversations/{quote(conversation_id, safe='')}/{part}"
    return f"{http_origin(origin)}{path}"


def socket_url(url: str, option: str) -> str:
    """A URL that is used as it is, once it has been seen that a WebSocket can be there.

    Args:
        option: where it comes from.

    Raises:
        ValueError: it is no ws or wss URL. The message leaves the URL out: it may be a secret.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in ("ws", "wss") or parts.fragment:
        raise ValueError(
            f"{option} is not a WebSocket URL: it must begin with 'wss://' and a host; "
            "pass it just as you got it"
        )
    return url


def origin_of(conversation_url: str) -> str:
    """The server of a conversation's URL, as an origin for other requests to it."""
    path = urlsplit(conversation_url).path
    prefix = path.partition(CONVERSATION_PATH)[0] if CONVERSATION_PATH in path else ""
    return f"{server_of(conversation_url)}{prefix}"


def _region_origin(region: str) -> str:
    origin = REGION_ORIGINS.get(region)
    if origin is None:
        raise ValueError(
            f"there is no region {region!r}; expected one of {', '.join(REGION_ORIGINS)}"
        )
    return origin


def _shown(origin: str) -> str:
    """What a caller took for an origin, without the password that may be in it."""
    return f"…@{origin.rpartition('@')[2]}" if "@" in origin else origin


def _split(url: str) -> SplitResult | None:
    """The parts of a URL with a host; None if it is none."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # a port out of range raises
    except ValueError:
        return None
    return parts if has_host else None


def _encoded(query: Mapping[str, str]) -> str:
    return urlencode(query, quote_via=quote, safe="")


def _client_query(environment: str | None) -> dict[str, str]:
    query = {"source": SOURCE, "version": version()}
    return query | {"environment": environment} if environment else query
