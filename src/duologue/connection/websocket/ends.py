"""What both kinds of sockets have in common: their limits, and what their failures mean."""

from __future__ import annotations

from typing import Final

from duologue.connection.http.endpoints import server_of
from duologue.connection.http.failures import explanation
from duologue.dialogue.values import ABNORMAL_CLOSURE
from duologue.errors import SessionConnectionError

SUBPROTOCOL: Final = "convai"
"""The subprotocol of the contract."""

HEARTBEAT_S: Final = 8.0
"""How long a socket is silent before it is pinged. Half as long again is waited for the answer, so
a server that has vanished is noticed within 12 s."""

CLOSE_LIMIT_S: Final = 2.0
"""How long closing may take in all, the server's answer to the close frame included."""

MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
"""The largest message taken from a server: 2 minutes of 48 kHz PCM in base64."""

USER_ENDED: Final = b"User ended conversation"  # the words of ElevenLabs' JavaScript client


def subprotocols(authorization: str | None) -> tuple[str, ...]:
    """What a WebSocket offers to a server; a token for it travels as a subprotocol, too."""
    return (SUBPROTOCOL, f"bearer.{authorization}") if authorization else (SUBPROTOCOL,)


def too_late(url: str, timeout_s: float) -> SessionConnectionError:
    """The server has not answered in time."""
    return SessionConnectionError(
        f"{server_of(url)} did not accept the connection within {timeout_s:g} s; "
        "check the address, or raise `connect_timeout`"
    )


def refused(url: str, status: int) -> SessionConnectionError:
    """The server has answered that it does not want the conversation."""
    return SessionConnectionError(
        f"{server_of(url)} refused the conversation with HTTP status {status}; "
        "check the agent id, the signed URL and the `origin`",
        close_code=ABNORMAL_CLOSURE,
    )


def redirected(url: str) -> SessionConnectionError:
    """The server wants another address to be asked. It would get the token, so it is not."""
    return SessionConnectionError(
        f"{server_of(url)} redirects the conversation to another address, which is "
        "not followed; is `origin` right?",
        close_code=ABNORMAL_CLOSURE,
    )


def unreachable(url: str, error: Exception) -> SessionConnectionError:
    """The server, or whatever is on the way to it, cannot be reached or understood."""
    return SessionConnectionError(
        f"{server_of(url)} cannot be reached {explanation(error)}",
        close_code=ABNORMAL_CLOSURE,
    )
