"""Signed URLs over HTTP: `GET /v1/convai/conversation/get-signed-url`.

A back end that holds a key of this server asks for a URL, and hands it to a client that has none.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

from fastapi import APIRouter, Header, Request

from duologue.agent.access.conversation_url import CONVERSATION_PATH, signed_url
from duologue.agent.access.http import require_agent_id, require_key, unknown_agent
from duologue.agent.access.keys import KeyFile
from duologue.agent.access.signatures import ConversationSigner


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
        require_key(xi_api_key, keys)
        require_agent_id(agent_id)
        if agent_id not in agent_ids:
            raise unknown_agent(agent_id)
        return {"signed_url": signed_url(str(request.base_url), agent_id, signer)}

    return router
