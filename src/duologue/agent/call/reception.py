"""How a call begins, whatever carries it: the client's first message, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from duologue.agent.call import ends
from duologue.agent.call.carrier import Carrier, Tracks
from duologue.agent.call.conversation import Call
from duologue.agent.call.ends import CallEnd, CallRefused
from duologue.agent.call.ids import new_conversation_id
from duologue.agent.call.inbox import checked_message
from duologue.agent.call.opening import plan_call
from duologue.agent.definition import AgentDefinition
from duologue.agent.limits import CallLimits
from duologue.agent.speech.stack import SpeechStack
from duologue.protocol.client_messages import ConversationInitiation
from duologue.protocol.codec import Frame

logger = logging.getLogger("duologue.agent.call")


class Reception:
    """Takes the calls of clients.

    Args:
        speech: the models that all calls share.
        limits: the bounds of each call.
    """

    def __init__(self, speech: SpeechStack, limits: CallLimits) -> None:
        self._speech = speech
        self._limits = limits
        self._calls: dict[Call, asyncio.Task[Any]] = {}

    async def hang_up(self, limit_s: float) -> None:
        """End all calls, because the server is being stopped, and wait for that at most `limit_s`.

        Each client is told so by the code and the reason of its close.
        """
        for call in self._calls:
            call.stop()
        if self._calls:
            await asyncio.wait(self._calls.values(), timeout=limit_s)

    async def hold(
        self,
        carrier: Carrier,
        frames: AsyncIterator[Frame],
        definition: AgentDefinition,
        *,
        conversation_id: str | None = None,
        tracks: Tracks | None = None,
    ) -> None:
        """Hold one conversation from the client's first message to its end.

        Args:
            carrier: takes the events.
            frames: what the client sends.
            definition: the agent.
            conversation_id: None makes a new one.
            tracks: carries the sound; None sends it with the events.

        Raises:
            CallRefused: there is no conversation; its end says why.
        """
        first = await self._first_frame(frames)
        message = checked_message(first, self._limits)
        conversation_id = conversation_id or new_conversation_id()
        if not isinstance(message, ConversationInitiation):
            # A client that changes nothing may leave the initiation out.
            message = ConversationInitiation()
            frames = _put_back(first, frames)
        plan = plan_call(definition, message, self._limits, conversation_id=conversation_id)
        if tracks is not None:
            plan = plan.with_audio_format(tracks.AUDIO_FORMAT)
        call = Call(
            plan,
            self._speech,
            carrier,
            self._limits,
            conversation_id=conversation_id,
            tracks=tracks,
        )
        task = asyncio.current_task()
        assert task is not None
        self._calls[call] = task
        try:
            await call.hold(frames)
        finally:
            del self._calls[call]

    async def refuse(self, carrier: Carrier, end: CallEnd) -> None:
        """Tell the client why there is no conversation, if it is still there to be told."""
        logger.info("A call was refused: %s", end.reason)
        try:
            async with asyncio.timeout(self._limits.close_s):
                if end.error_event is not None:
                    await carrier.send(end.error_event)
                await carrier.close(end.code, end.close_reason)
        except (ConnectionError, TimeoutError):
            logger.debug("The client had gone before it was told")

    async def _first_frame(self, frames: AsyncIterator[Frame]) -> Frame:
        limit_s = self._limits.initiation_s
        try:
            async with asyncio.timeout(limit_s):
                return await anext(frames)
        except TimeoutError as error:
            raise CallRefused(ends.nothing_received(limit_s)) from error
        except StopAsyncIteration as error:
            raise CallRefused(ends.CLIENT_GONE) from error


async def _put_back(first: Frame, rest: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    yield first
    async for frame in rest:
        yield frame
