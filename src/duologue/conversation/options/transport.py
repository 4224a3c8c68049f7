"""The options that choose an agent and a way to it: which of them may stand together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final, Literal, TypedDict
from urllib.parse import urlsplit

from duologue.connection.http.endpoints import MEMORY_SCHEME
from duologue.connection.webrtc.entry import RoomSettings
from duologue.conversation.options.reading import (
    Options,
    contradiction,
    mapping,
    members,
    optional_text,
)

ConnectionType = Literal["websocket", "webrtc"]


DEFAULT_FOR_VOICE: Final[ConnectionType] = "webrtc"
"""What a spoken conversation goes over if no option says so, and the server has it; a written one
goes over WebSocket."""


class WebRtcOptions(TypedDict, total=False):
    """How a WebRTC connection finds its way.

    - `ice_transport_policy`: "relay" lets nothing go past a relay server.
    - `single_peer_connection`: one connection for both directions instead of one for each. Without
      it LiveKit chooses.
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
    **{
        (name, given): f"a {what} is for one {name} already; leave {name} out here, and get the "
        f"{what} for it"
        for name in ("branch_id", "version_id")
        for given, what in (("signed_url", "signed URL"), ("conversation_token", "token"))
    },
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
        for name in (
            "agent_id",
            "authorization",
            "origin",
            "environment",
            "branch_id",
            "version_id",
            "region",
            "api_key",
        )
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
        ValueError: two of them contradict each other.
    """
    _check_chosen_transport(options)
    room_settings(options)
    for (first, second), advice in _CONTRADICTIONS.items():
        if first in options and second in options:
            raise contradiction(first, second, advice)


def asked_transport(options: Options) -> ConnectionType | None:
    """The transport that checked options ask for; None if they leave it open."""
    if "connection_type" in options:
        chosen: ConnectionType = options["connection_type"]
        return chosen
    if any(name in options for name in _WEBRTC_ONLY):
        return "webrtc"
    if any(name in options for name in _WEBSOCKET_ONLY):
        return "websocket"
    return None


def inferred_transport(origin: str, *, text_only: bool) -> ConnectionType:
    """The transport where the options leave it open."""
    is_in_memory = urlsplit(origin).scheme == MEMORY_SCHEME
    return "websocket" if text_only or is_in_memory else DEFAULT_FOR_VOICE


def room_settings(options: Options) -> RoomSettings:
    """How a WebRTC connection finds its way.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: a name that does not exist, or a policy that is none.
    """
    given = members("web_rtc", mapping(options, "web_rtc"), WebRtcOptions)
    policy = given.get("ice_transport_policy", "all")
    if policy not in ("all", "relay"):
        raise ValueError(
            f"web_rtc['ice_transport_policy'] must be 'all' or 'relay', not {policy!r}"
        )
    single = given.get("single_peer_connection")
    if single is not None and not isinstance(single, bool):
        raise TypeError(
            f"web_rtc['single_peer_connection'] must be True or False, not {type(single).__name__}"
        )
    return RoomSettings(ice_transport_policy=policy, single_peer_connection=single)


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
