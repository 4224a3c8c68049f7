"""Tokens for WebRTC over HTTP: `GET /v1/convai/conversation/token`.

Browsers ask for the tokens of public agents by themselves; those of private ones are for back ends
that hold a key of this server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request

from duologue.agent.access.conversation_url import CONVERSATION_PATH
from duologue.agent.access.http import refusal, require_agent_id, require_key, unknown_agent
from duologue.agent.access.keys import KeyFile
from duologue.agent.definition import AgentDefinition
from duologue.agent.rooms.opening import Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.errors import ServerError

logger = logging.getLogger("duologue.agent.room_tokens")

NOT_CONFIGURED = (
    "This server has no WebRTC: it knows no LiveKit server. Use WebSocket, or start the server "
    "with LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or with --livekit-dev"
)


def room_token_router(
    definitions: Mapping[str, AgentDefinition],
    keys: KeyFile,
    settings: LiveKitSettings | None,
    rooms: Rooms | None,
) -> APIRouter:
    """The route that hands out tokens.

    Args:
        definitions: the agents of this server, by their ids.
        keys: who may ask for tokens to private agents.
        settings: where clients find LiveKit; None answers 501.
        rooms: opens the room of each token; None answers 501.
    """
    router = APIRouter()

    @router.get(f"{CONVERSATION_PATH}/token")
    async def get_token(
        request: Request,
        agent_id: str = "",
        xi_api_key: Annotated[str, Header()] = "",
    ) -> dict[str, str]:
        if settings is None or rooms is None:
            raise refusal(501, "webrtc_not_available", NOT_CONFIGURED)
        require_agent_id(agent_id)
        definition = definitions.get(agent_id)
        if definition is None:
            raise unknown_agent(agent_id)
        if definition.platform_settings.auth.enable_auth:
            # It reads a file, which is to hold up a thread of its own and no call's sound.
            await asyncio.to_thread(require_key, xi_api_key, keys)
        try:
            room = await rooms.open(agent_id)
        except ServerError as error:
            logger.error("A token was refused: %s", error)
            message = "No room could be opened for the call; the server's log says why"
            raise refusal(503, "room_not_available", message) from error
        if await request.is_disconnected():
            # Nobody will come who could be waited for.
            await rooms.withdraw(room)
        return {"token": rooms.token(room), "livekit_url": settings.url}

    return router
