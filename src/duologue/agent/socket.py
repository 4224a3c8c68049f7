"""Calls over a WebSocket: the endpoint `/v1/convai/conversation`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

from starlette.websockets import WebSocket, WebSocketDisconnect

from duologue.agent.auth import ConversationSigner
from duologue.agent.call import ends
from duologue.agent.call.call import Call
from duologue.agent.call.ends import CallEnd, CallRefused
from duologue.agent.call.inbox import checked_message
from duologue.agent.call.limits import CallLimits
from duologue.agent.call.opening import plan_call
from duologue.agent.conversation_url import SIGNATURE_PARAMETER
from duologue.agent.definition import AgentDefinition
from duologue.agent.speech.stack import SpeechStack
from duologue.protocol.client_messages import ConversationInitiation
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
        speech: the models that all calls share.
        limits: the bounds of each call.
        signer: checks the signatures of calls to private agents.
    """

    def __init__(
        self,
        definitions: Mapping[str, AgentDefinition],
        speech: SpeechStack,
        limits: CallLimits,
        signer: ConversationSigner,
    ) -> None:
        self._definitions = definitions
        self._speech = speech
        self._limits = limits
        self._signer = signer
        self._calls: dict[Call, asyncio.Task[None]] = {}

    async def hang_up(self, limit_s: float) -> None:
        """End all calls, because the server is being stopped, and wait for that at most `limit_s`.

        Each client is told so by the code and the reason of its close.
        """
        for call in self._calls:
            call.stop()
        if self._calls:
            await asyncio.wait(self._calls.values(), timeout=limit_s)

    async def answer(self, websocket: WebSocket) -> None:
        """Hold one conversation from the handshake to the close."""
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        carrier = WebSocketCarrier(websocket)
        try:
            definition = self._definition(websocket.query_params)
            await self._hold(carrier, definition)
        except CallRefused as refused:
            await self._refuse(carrier, refused.end)
        except Exception:
            logger.exception("A call could not begin")
            await self._refuse(carrier, ends.INTERNAL_ERROR)

    def _definition(self, query: Mapping[str, str]) -> AgentDefinition:
        agent_id = query.get("agent_id", "")
        definition = self._definitions.get(agent_id)
        if definition is None:
            raise CallRefused(ends.unknown_agent(agent_id))
        if definition.platform_settings.auth.enable_auth:
            self._signer.check(agent_id, query.get(SIGNATURE_PARAMETER, ""))
        return definition

    async def _hold(self, carrier: WebSocketCarrier, definition: AgentDefinition) -> None:
        frames = carrier.frames()
        first = await self._first_frame(frames)
        message = checked_message(first, self._limits)
        if isinstance(message, ConversationInitiation):
            plan = plan_call(definition, message)
        else:
            # A client that changes nothing may leave the initiation out.
            plan = plan_call(definition, ConversationInitiation())
            frames = _put_back(first, frames)
        call = Call(plan, self._speech, carrier, self._limits)
        task = asyncio.current_task()
        assert task is not None
        self._calls[call] = task
        try:
            await call.hold(frames)
        finally:
            del self._calls[call]

    async def _first_frame(self, frames: AsyncIterator[Frame]) -> Frame:
        limit_s = self._limits.initiation_s
        try:
            async with asyncio.timeout(limit_s):
                return await anext(frames)
        except TimeoutError as error:
            raise CallRefused(ends.nothing_received(limit_s)) from error
        except StopAsyncIteration as error:
            raise CallRefused(ends.CLIENT_GONE) from error

    async def _refuse(self, carrier: WebSocketCarrier, end: CallEnd) -> None:
        """Tell the client why there is no conversation, if it is still there to be told."""
        logger.info("A call was refused: %s", end.reason)
        try:
            async with asyncio.timeout(self._limits.close_s):
                if end.error_event is not None:
                    await carrier.send(end.error_event)
                await carrier.close(end.code, end.close_reason)
        except (ConnectionError, TimeoutError):
            logger.debug("The client had gone before it was told")


async def _put_back(first: Frame, rest: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    yield first
    async for frame in rest:
        yield frame
