"""The way into a LiveKit room: what a caller's options ask for, and what comes of it.

Nothing here loads LiveKit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from duologue.connection.http.tokens import TokenRequest

IceTransportPolicy = Literal["all", "relay"]

_CONVERSATION_ID: Final = re.compile(r"conv_[A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class RoomSettings:
    """How a connection finds its way.

    Attributes:
        ice_transport_policy: "relay" lets nothing go past a relay server.
        single_peer_connection: one connection for both directions instead of one for each; None
            for LiveKit's own choice.
    """

    ice_transport_policy: IceTransportPolicy = "all"
    single_peer_connection: bool | None = None


@dataclass(frozen=True, kw_only=True)
class RoomRoute:
    """The way into the room of a conversation.

    Attributes:
        token: lets its holder in; None if it is to be asked for with `token_request`.
        token_request: how to get one.
        livekit_url: where the room is; None if the server's answer is to tell, or if it does not,
            the server's name.
        is_inferred: whether the caller has not asked for WebRTC, and so WebSocket will do.
        settings: how the connection finds its way.
    """

    token: str | None = field(default=None, repr=False)
    token_request: TokenRequest | None = None
    livekit_url: str | None
    is_inferred: bool = False
    settings: RoomSettings


@dataclass(frozen=True, kw_only=True)
class RoomAccess:
    """All that is needed to join a room: its LiveKit server, and a token."""

    livekit_url: str
    token: str = field(repr=False)


def conversation_id_of(room_name: str) -> str:
    """The conversation's id, from the room's name, as ElevenLabs' JavaScript client takes it."""
    found = _CONVERSATION_ID.search(room_name)
    return found[0] if found else room_name


def is_agent(identity: str) -> bool:
    """Whether that is an agent's identity in a room."""
    return identity.startswith("agent")


def has_agents_sound(identity: str) -> bool:
    """Whether a track of that participant is an agent's, by the wider test of that client."""
    return "agent" in identity
