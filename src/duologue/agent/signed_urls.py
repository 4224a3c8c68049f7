"""Signed URLs over HTTP: `GET /v1/convai/conversation/get-signed-url`.

A back end that holds a key of this server asks for a URL, and hands it to a client that has none.
"""

from __future__ import annotations

import logging
from collections.abc import Container
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request

from duologue.agent.auth import ConversationSigner
from duologue.agent.conversation_url import CONVERSATION_PATH, signed_url
from duologue.agent.keys import KeyFile
from duologue.errors import KeyFileError

logger = logging.getLogger("duologue.agent.signed_urls")


def signed_url_router(
    agent_ids: Container[str], keys: KeyFile, signer: ConversationSigner
) -> APIRouter:
    """The route that hands out signed URLs.

    Args:
        agent_ids: the agents of this server. Public ones get signed URLs too: their owner may make
            them private later.
        keys: who may ask.
        signer: makes what the WebSocket's endpoint checks.
    """
    router = APIRouter()

    # Not async: it reads a file, which is to hold up a thread of its own and no call's sound.
    @router.get(f"{CONVERSATION_PATH}/get-signed-url")
    def get_signed_url(
        request: Request,
        agent_id: str = "",
        xi_api_key: Annotated[str, Header()] = "",
    ) -> dict[str, str]:
        if not xi_api_key:
            raise _refusal(
                401, "needs_authorization", "The header xi-api-key is missing; it needs a key"
            )
        if not _is_known(xi_api_key, keys):
            raise _refusal(
                401, "invalid_api_key", "The header xi-api-key has no key of this server"
            )
        if not agent_id:
            raise _refusal(422, "missing_agent_id", "The URL names no agent; it needs ?agent_id=…")
        if agent_id not in agent_ids:
            raise _refusal(
                404, "agent_not_found", f"This server has no agent with the id {agent_id!r}"
            )
        return {"signed_url": signed_url(str(request.base_url), agent_id, signer)}

    return router


def _is_known(key: str, keys: KeyFile) -> bool:
    try:
        return keys.has(key)
    except KeyFileError as error:
        logger.error("A signed URL was refused: %s", error)
        message = "The server cannot read its keys; its log says why"
        raise _refusal(500, "internal_error", message) from error


def _refusal(http_status: int, status: str, message: str) -> HTTPException:
    """An error in the shape of ElevenLabs' API."""
    return HTTPException(http_status, {"status": status, "message": message})
