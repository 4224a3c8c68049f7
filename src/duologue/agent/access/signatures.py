"""Signatures of conversations: the proof that a call to a private agent was allowed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final

import jwt

from duologue.agent.call import ends
from duologue.agent.call.ends import CallRefused
from duologue.errors import ServerError

SIGNING_SECRET_VARIABLE: Final = "DUOLOGUE_SIGNING_SECRET"

VALIDITY_S: Final = 15 * 60
"""How long after signing a conversation may begin: that of ElevenLabs' signed URLs."""

SHORTEST_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: a key of HS256 is at least as long as its hash."""

_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "conversation"


class ConversationSigner:
    """Signs conversations with one agent each, and checks the signatures.

    Args:
        secret: at least 32 bytes; None takes random ones, so that the signatures of one server
            are worth nothing after its end, or at another.
        now_s: the time in seconds since 1970.
    """

    def __init__(
        self, secret: bytes | None = None, *, now_s: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret or secrets.token_bytes(SHORTEST_SECRET_BYTES)
        self._now_s = now_s

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ConversationSigner:
        """A signer with the secret in `DUOLOGUE_SIGNING_SECRET`, or a random one.

        Raises:
            ServerError: the secret is too short.
        """
        secret = environment.get(SIGNING_SECRET_VARIABLE, "").encode()
        if 0 < len(secret) < SHORTEST_SECRET_BYTES:
            raise ServerError(
                f"{SIGNING_SECRET_VARIABLE} has {len(secret)} bytes; expected a random secret of "
                f"at least {SHORTEST_SECRET_BYTES}, or none at all"
            )
        return cls(secret)

    def sign(self, agent_id: str) -> str:
        """A signature with which conversations with this agent may begin for 15 minutes."""
        claims = {"sub": agent_id, "aud": _AUDIENCE, "exp": int(self._now_s()) + VALIDITY_S}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def check(self, agent_id: str, signature: str) -> None:
        """Let a call to this agent pass if it has a right signature.

        Raises:
            CallRefused: the signature is missing, was not made with this secret, is too old, or is
                for another agent; the end says which.
        """
        if not signature:
            raise CallRefused(ends.auth_required(agent_id))
        try:
            claims = jwt.decode(
                signature,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # Its own clock cannot be replaced; ours is asked below.
                options={"require": ["sub", "exp"], "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise CallRefused(ends.SIGNATURE_FORGED) from error
        if claims["sub"] != agent_id:
            raise CallRefused(ends.signature_for_another(agent_id))
        if claims["exp"] <= self._now_s():
            raise CallRefused(ends.SIGNATURE_EXPIRED)
