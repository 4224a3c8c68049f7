"""The key with which a program gets signed URLs: where it is found, and where it may go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from duologue.connection.http.endpoints import (
    ELEVENLABS_HOSTS,
    ORIGIN_VARIABLE,
    server_of,
    socket_origin,
)

API_KEY_OPTION: Final = "api_key"
ELEVENLABS_KEY_VARIABLE: Final = "ELEVENLABS_API_KEY"
DUOLOGUE_KEY_VARIABLE: Final = "DUOLOGUE_API_KEY"


@dataclass(frozen=True)
class ApiKey:
    """A key for one server, safe to hold where things are shown: its value is in no `repr`.

    Attributes:
        value: the key itself.
        name: the option or the variable that it came from.
    """

    value: str = field(repr=False)
    name: str

    @property
    def is_explicit(self) -> bool:
        """Whether the caller passed it, and it was not merely found in the environment."""
        return self.name == API_KEY_OPTION


def api_key_for(
    origin: str, given: str | None, environment: Mapping[str, str] = os.environ
) -> ApiKey | None:
    """The key to use at a server; None if there is none for it.

    That is the caller's own, or else `DUOLOGUE_API_KEY` if the server is that of
    `DUOLOGUE_ORIGIN`, or `ELEVENLABS_API_KEY` if it is one of ElevenLabs' own, over TLS.

    Args:
        origin: the server's address.
        given: the caller's key; None to look into the environment.
        environment: the variables.

    Raises:
        ValueError: the key cannot be one, or would travel readably. It is not shown.
    """
    origin = socket_origin(origin)
    key = ApiKey(given, API_KEY_OPTION) if given is not None else _found(origin, environment)
    if key is not None:
        _check_value(key)
        _check_way(key, origin)
    return key


def is_loopback(origin: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = urlsplit(origin).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _found(origin: str, environment: Mapping[str, str]) -> ApiKey | None:
    own_key, own_origin = environment.get(DUOLOGUE_KEY_VARIABLE), environment.get(ORIGIN_VARIABLE)
    if own_key and own_origin and socket_origin(own_origin, ORIGIN_VARIABLE) == origin:
        return ApiKey(own_key, DUOLOGUE_KEY_VARIABLE)
    elevenlabs_key = environment.get(ELEVENLABS_KEY_VARIABLE)
    if elevenlabs_key and is_elevenlabs(origin):
        return ApiKey(elevenlabs_key, ELEVENLABS_KEY_VARIABLE)
    return None


def is_elevenlabs(origin: str) -> bool:
    """Whether an origin, as by `socket_origin`, is one of ElevenLabs' own servers."""
    parts = urlsplit(origin)
    return (
        parts.scheme == "wss" and parts.hostname in ELEVENLABS_HOSTS and parts.port in (None, 443)
    )


def _check_value(key: ApiKey) -> None:
    if not key.value or not all("!" <= character <= "~" for character in key.value):
        raise ValueError(
            f"{key.name} cannot be sent, because it is empty or has spaces, line breaks or "
            "characters beyond ASCII; pass the bare key"
        )


def _check_way(key: ApiKey, origin: str) -> None:
    if urlsplit(origin).scheme == "wss" or is_loopback(origin):
        return
    raise ValueError(
        f"{key.name} and the address {server_of(origin)} contradict each other: a key never goes "
        "readably over a network; use an address with wss:// or https://, or leave the key out"
    )
