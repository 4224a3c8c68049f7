"""What it means that a LiveKit room has ended, or that the agent has left it.

The reasons are LiveKit's own (`DisconnectReason` of its protocol), by their names.
"""

from __future__ import annotations

from typing import Final

from duologue.dialogue.values import Disconnection

UNKNOWN_REASON: Final = "UNKNOWN_REASON"
"""No reason is given where a connection has been lost, and may be made anew."""

_ON_PURPOSE: Final = {
    "CLIENT_INITIATED": "the agent left",
    "SERVER_SHUTDOWN": "the server ended the room",
    "PARTICIPANT_REMOVED": "the server removed a participant",
    "ROOM_DELETED": "the server ended the room",
    "ROOM_CLOSED": "the server ended the room",
}

_LOST: Final = {
    UNKNOWN_REASON: "the connection was lost and could not be made again",
    "DUPLICATE_IDENTITY": "another client came into the room with the same token",
    "STATE_MISMATCH": "the server no longer knew the connection",
    "JOIN_FAILURE": "the room could not be joined",
    "MIGRATION": "the server moved the room away",
    "SIGNAL_CLOSE": "the connection was closed unexpectedly",
    "USER_UNAVAILABLE": "whoever was called by telephone did not answer",
    "USER_REJECTED": "whoever was called by telephone refused",
    "SIP_TRUNK_FAILURE": "the telephone connection failed",
    "CONNECTION_TIMEOUT": "the connection was lost, and waited for in vain",
    "MEDIA_FAILURE": "no way for sound could be made",
    "AGENT_ERROR": "the agent failed",
}

KNOWN_REASONS: Final = frozenset({*_ON_PURPOSE, *_LOST})


def room_ended(reason: str) -> Disconnection:
    """What follows from the end of the room for this side."""
    if reason in _ON_PURPOSE:
        return Disconnection.by_departure(f"{_ON_PURPOSE[reason]} ({reason})")
    return Disconnection.by_loss(f"the WebRTC room ended: {_lost(reason)} ({reason})")


def agent_left(reason: str) -> Disconnection:
    """What follows from the agent's no longer being in the room."""
    if reason in _ON_PURPOSE:
        return Disconnection.by_departure(f"{_ON_PURPOSE[reason]} ({reason})")
    return Disconnection.by_loss(f"the agent was lost: {_lost(reason)} ({reason})")


def _lost(reason: str) -> str:
    return _LOST.get(reason, "for a reason that this version does not know")
