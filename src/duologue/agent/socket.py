"""Calls over a WebSocket: the endpoint `/v1/convai/conversation`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping

from starlette.websockets import WebSocket, WebSocketDisconnect

from duologue.agent.access.conversation_url import SIGNATURE_PARAMETER
from duologue.agent.access.signatures import ConversationSigner
from duologue.agent.call import ends
from duologue.agent.call.ends import CallRefused
from duologue.agent.call.reception import Reception
from duologue.agent.definition import AgentDefinition
from duologue.protocol.codec import Frame, encode_server_event
from duologue.protocol.server_events import ServerEvent

logger = logging.getLogger("duologue.agent.socket")

SUBPROTOCOL = "convai"
"""Browsers fail the handshake unless one of those they offer is chosen. The other one they may
offer, `bearer.…`, is a secret and is never sent back."""


class WebSocketCarrier:
    """A call's events as text frames, and the client's frames as they come.

    Args:
        websocket: accepted already.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, event: ServerEvent) -> None:
        """Send one event; see `Carrier.send`."""
        try:
            await self._websocket.send_text(encode_server_event(event))
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError("the client has gone") from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket; see `Carrier.close`."""
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError("the client has gone") from error

    async def frames(self) -> AsyncIterator[Frame]:
        """What the client sends, until it goes."""
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            yield text if text is not None else message["bytes"]


class ConversationSocket:
    """Answers the calls that come in over WebSockets.

    Args:
        definitions: the agents of this server, by their ids.
        reception: holds the calls.
        signer: checks the signatures of calls to private agents.
    """

    def __init__(
        self,
        definitions: Mapping[str, AgentDefinition],
        reception: Reception,
        signer: ConversationSigner,
    ) -> None:
        self._definitions = definitions
        self._reception = reception
        self._signer = signer

    async def answer(self, websocket: WebSocket) -> None:
        """Hold one conversation from the handshake to the close."""
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        carrier = WebSocketCarrier(websocket)
        try:
            definition = self._definition(websocket.query_params)
            await self._reception.hold(carrier, carrier.frames(), definition)
        except CallRefused as refused:
            await self._reception.refuse(carrier, refused.end)
        except Exception:
            logger.exception("A call could not begin")
            await self._reception.refuse(carrier, ends.INTERNAL_ERROR)

    def _definition(self, query: Mapping[str, str]) -> AgentDefinition:
        agent_id = query.get("agent_id", "")
        definition = self._definitions.get(agent_id)
        if definition is None:
            raise CallRefused(ends.unknown_agent(agent_id))
        if definition.platform_settings.auth.enable_auth:
            self._signer.check(agent_id, query.get(SIGNATURE_PARAMETER, ""))
        return definition
