"""The options that choose an agent and a way to it: which of them may stand together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final, Literal, TypedDict

from duologue.conversation.options.reading import (
    Options,
    contradiction,
    mapping,
    members,
    optional_text,
)

ConnectionType = Literal["websocket", "webrtc"]


class WebRtcOptions(TypedDict, total=False):
    """How a WebRTC connection finds its way.

    - `ice_transport_policy`: "relay" lets nothing go past a relay server.
    - `single_peer_connection`: one connection for both directions instead of one for each.
    """

    ice_transport_policy: Literal["all", "relay"]
    single_peer_connection: bool


_WEBSOCKET_ONLY: Final = ("signed_url", "orchestrator", "authorization")
_WEBRTC_ONLY: Final = ("conversation_token", "livekit_url", "web_rtc")

_ADVICE_FOR_TWO: Final[Mapping[tuple[str, str], str]] = {
    ("agent_id", "signed_url"): (
        "a signed URL names its agent already; pass agent_id for a public agent, signed_url for a "
        "private one"
    ),
    ("signed_url", "orchestrator"): (
        "an orchestrator is a server of your own, which needs no signed URL; pass one of them"
    ),
    ("agent_id", "conversation_token"): (
        "a token names its agent already; pass agent_id for a public agent, conversation_token for "
        "a private one"
    ),
    ("api_key", "signed_url"): (
        "a signed URL needs no key; pass agent_id with the key, or signed_url alone"
    ),
    ("api_key", "conversation_token"): (
        "a token needs no key; pass agent_id with the key, or conversation_token alone"
    ),
    ("region", "signed_url"): (
        "a signed URL has its server in itself; leave the region out here, and get the URL from "
        "that region"
    ),
    ("origin", "signed_url"): (
        "a signed URL has its server in itself; leave the origin out here, and get the URL from "
        "that server"
    ),
    ("environment", "conversation_token"): (
        "a token is for one environment already; leave the environment out here, and get the token "
        "for it"
    ),
}

_CONTRADICTIONS: Final[Mapping[tuple[str, str], str]] = {
    **_ADVICE_FOR_TWO,
    **{
        (name, "orchestrator"): (
            f"an orchestrator is a server of your own, reached by its url alone; leave {name} out"
        )
        for name in ("agent_id", "authorization", "origin", "environment", "region", "api_key")
    },
    **{
        (one, other): f"{one} is for WebSocket, {other} for WebRTC; leave one of them out"
        for one, other in itertools.product(_WEBSOCKET_ONLY, _WEBRTC_ONLY)
    },
}
"""Two options that cannot both be given, and what to do about it."""


def check_transport(options: Options) -> None:
    """See whether the options that choose an agent and a way to it go together.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: two of them contradict each other, or ask for what this version cannot do.
    """
    _check_chosen_transport(options)
    for (first, second), advice in _CONTRADICTIONS.items():
        if first in options and second in options:
            raise contradiction(first, second, advice)
    _check_webrtc(options)


def _check_chosen_transport(options: Options) -> None:
    chosen = optional_text(options, "connection_type")
    if chosen not in (None, "websocket", "webrtc"):
        raise ValueError(f"connection_type must be 'websocket' or 'webrtc', not {chosen!r}")
    of_the_other = {"websocket": _WEBRTC_ONLY, "webrtc": _WEBSOCKET_ONLY}.get(chosen or "", ())
    for name in of_the_other:
        if name in options:
            raise contradiction(
                name,
                f"connection_type={chosen!r}",
                f"{name} is for the other transport; leave one of them out",
            )


def _check_webrtc(options: Options) -> None:
    """Refuse what only WebRTC can do."""
    members("web_rtc", mapping(options, "web_rtc"), WebRtcOptions)
    for name in _WEBRTC_ONLY:
        if name in options:
            raise ValueError(
                f"{name} asks for WebRTC, but this version speaks WebSocket only; leave {name} "
                "out, and pass agent_id for a public agent or signed_url for a private one"
            )
    if options.get("connection_type") == "webrtc":
        raise ValueError(
            "connection_type='webrtc' cannot be had: this version speaks WebSocket only; leave "
            "connection_type out, or pass 'websocket'"
        )
