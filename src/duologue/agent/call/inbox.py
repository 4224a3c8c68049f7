"""What the client sends, and what the call does with it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

from duologue.agent.allowance import Allowance
from duologue.agent.call import ends
from duologue.agent.call.ends import CallEnd, CallRefused
from duologue.agent.call.engine.session import CallSession
from duologue.agent.call.floor import Floor
from duologue.agent.call.round_trip import RoundTrip
from duologue.agent.call.sound.hearing import Hearing
from duologue.agent.call.translation import Translation
from duologue.agent.limits import CallLimits
from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    MultimodalMessage,
    Pong,
    UserActivity,
    UserAudioChunk,
    UserMessage,
)
from duologue.protocol.codec import (
    Frame,
    MalformedEvent,
    Mended,
    UnknownEvent,
    decode_client_message,
)

logger = logging.getLogger("duologue.agent.call")

NO_FILES = CallEnd(
    ends.POLICY, "This server takes no files; only the text was read", "invalid_message"
)


class Inbox:
    """Takes the frames of a client, one after another.

    Sound, pongs and tool results act at once. Messages that the agent answers or learns wait in a
    queue for `answer`, because interrupting takes a moment and their order matters.

    Args:
        session: answers.
        hearing: takes sound; None in text-only.
        round_trip: takes pongs.
        floor: is held by the user's activity.
        translation: tells the client what was wrong.
        limits: of size, number and time.
    """

    def __init__(
        self,
        session: CallSession,
        hearing: Hearing | None,
        round_trip: RoundTrip,
        floor: Floor,
        translation: Translation,
        limits: CallLimits,
    ) -> None:
        self._session = session
        self._hearing = hearing
        self._round_trip = round_trip
        self._floor = floor
        self._translation = translation
        self._limits = limits
        self._sound = Allowance(1.0, limits.sound_ahead_s, time.monotonic())
        self._waiting: asyncio.Queue[UserMessage | ContextualUpdate] = asyncio.Queue(
            limits.messages_waiting
        )

    async def receive(self, frames: AsyncIterator[Frame]) -> CallEnd:
        """Take frames until the client goes, keeps silent, or sends what it may not."""
        limit_s = self._limits.receive_s
        try:
            while True:
                async with asyncio.timeout(limit_s):
                    frame = await anext(frames)
                self._take(checked_message(frame, self._limits))
        except StopAsyncIteration:
            return ends.CLIENT_GONE
        except TimeoutError:
            return ends.nothing_received(limit_s)
        except CallRefused as refused:
            return refused.end

    async def answer(self) -> CallEnd:
        """Answer what was received, one message after another, until cancelled."""
        while True:
            message = await self._waiting.get()
            if isinstance(message, UserMessage):
                await self._session.answer(message.text or "")
            else:
                await self._session.learn(message.text, message.context_id)

    def _take(self, message: ClientMessage | UnknownEvent) -> None:
        match message:
            case UserAudioChunk():
                if self._hearing is not None:
                    self._hear(self._hearing, message.audio)
            case Pong():
                self._round_trip.pong(message.event_id, time.monotonic() * 1000)
            case UserMessage() if message.text:
                self._queue(message)
            case ContextualUpdate():
                self._queue(message)
            case MultimodalMessage():
                self._take_multimodal(message)
            case UserActivity():
                self._floor.hold()
            case ClientToolResult():
                if not self._session.tools.take_result(message):
                    logger.debug("Nobody waits for the result of %r", message.tool_call_id)
            case Feedback():
                logger.info("Feedback on event %d: %s", message.event_id, message.score)
            case _:
                logger.debug("Ignored: %r", message)

    def _hear(self, hearing: Hearing, audio: bytes) -> None:
        if not self._sound.take(hearing.seconds_of(audio), time.monotonic()):
            raise CallRefused(
                ends.invalid_message(
                    f"the user's sound is {self._limits.sound_ahead_s:g} s ahead of time; send it "
                    "at the pace at which it is spoken"
                )
            )
        hearing.push(audio)

    def _take_multimodal(self, message: MultimodalMessage) -> None:
        if message.file is not None or message.files:
            error = NO_FILES.error_event
            assert error is not None
            self._translation.failed(error)
        if message.text is not None and message.text.text:
            self._queue(UserMessage(text=message.text.text))

    def _queue(self, message: UserMessage | ContextualUpdate) -> None:
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull as error:
            raise CallRefused(
                ends.invalid_message(
                    f"{self._limits.messages_waiting} messages wait for an answer already"
                )
            ) from error


def checked_message(frame: Frame, limits: CallLimits) -> ClientMessage | UnknownEvent:
    """A frame as a message.

    Raises:
        CallRefused: it is too large, or no message of the protocol.
    """
    if len(frame) > limits.frame_bytes:
        raise CallRefused(
            ends.invalid_message(
                f"a frame has at most {limits.frame_bytes} bytes, and this one {len(frame)}"
            )
        )
    message = decode_client_message(frame)
    if isinstance(message, MalformedEvent):
        raise CallRefused(ends.invalid_message(message.reason))
    if isinstance(message, Mended):
        logger.debug("A message was not as the protocol says: %s", "; ".join(message.notes))
        return message.message
    return message
