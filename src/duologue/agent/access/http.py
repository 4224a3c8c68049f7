"""Who may ask this server over HTTP, and how it says no."""

from __future__ import annotations

import logging

from fastapi import HTTPException

from duologue.agent.access.keys import KeyFile
from duologue.errors import KeyFileError

logger = logging.getLogger("duologue.agent.access")


def refusal(http_status: int, status: str, message: str) -> HTTPException:
    """An error in the shape of ElevenLabs' API."""
    return HTTPException(http_status, {"status": status, "message": message})


def require_key(key: str, keys: KeyFile) -> None:
    """Let a request pass if its header `xi-api-key` has a key of this server. Reads a file.

    Raises:
        HTTPException: 401 if it has not, 500 if the keys cannot be read.
    """
    if not key:
        raise refusal(
            401, "needs_authorization", "The header xi-api-key is missing; it needs a key"
        )
    if not _is_known(key, keys):
        raise refusal(401, "invalid_api_key", "The header xi-api-key has no key of this server")


def require_agent_id(agent_id: str) -> None:
    """Let a request pass if it names an agent.

    Raises:
        HTTPException: 422 if it does not.
    """
    if not agent_id:
        raise refusal(422, "missing_agent_id", "The URL names no agent; it needs ?agent_id=…")


def unknown_agent(agent_id: str) -> HTTPException:
    """The answer for an agent that this server does not have."""
    return refusal(404, "agent_not_found", f"This server has no agent with the id {agent_id!r}")


def _is_known(key: str, keys: KeyFile) -> bool:
    try:
        return keys.has(key)
    except KeyFileError as error:
        logger.error("A key was refused: %s", error)
        message = "The server cannot read its keys; its log says why"
        raise refusal(500, "internal_error", message) from error
