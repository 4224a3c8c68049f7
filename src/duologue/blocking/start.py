"""Starting a conversation in an event loop of its own, which ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from duologue import conversation as asyncio_side
from duologue.blocking.base import THREADS_LIMIT_S
from duologue.blocking.dispatcher import Dispatcher, adapted_options
from duologue.blocking.generated.conversation.text import TextConversation
from duologue.blocking.generated.conversation.voice import VoiceConversation
from duologue.blocking.loop_thread import LoopThread


def start(start_session: Callable[..., asyncio_side.SessionStart[Any]], /, **options: Any) -> Any:
    """Start a conversation, wait until it is connected, and return the blocking one.

    Raises what `start_session` and awaiting its result raise. If the waiting is interrupted,
    everything is released.
    """
    session = _Session()
    # What is wrong with the options is said before there is a thread.
    return session.run(start_session(**session.adapted(options)))


class _Session:
    """A conversation in both its forms, and the threads that it runs in until it ends."""

    def __init__(self) -> None:
        self._dispatcher = Dispatcher()
        self._loop: LoopThread | None = None
        self._conversation: asyncio_side.BaseConversation | None = None
        self._blocking: VoiceConversation | TextConversation | None = None
        self._life: asyncio.Task[None] | None = None

    def adapted(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options for the event loop; callbacks run in the dispatcher's thread."""
        return adapted_options(options, self._dispatcher, self._adapt)

    def run(self, session_start: asyncio_side.SessionStart[Any]) -> object:
        """Start the threads and the conversation; neither is left if that fails."""
        loop = self._loop = LoopThread("duologue session", at_exit=self._end)
        try:
            return loop.call(partial(self._start, session_start))
        except BaseException:
            loop.close()
            self._dispatcher.close()
            loop.join(THREADS_LIMIT_S)
            self._dispatcher.join(THREADS_LIMIT_S)
            raise

    async def _start(self, session_start: asyncio_side.SessionStart[Any]) -> object:
        conversation = await session_start
        self._life = asyncio.create_task(self._live(conversation), name="duologue session life")
        return self._adapt(conversation)

    async def _live(self, conversation: asyncio_side.BaseConversation) -> None:
        try:
            await conversation.wait_until_ended()
        finally:
            assert self._loop is not None
            self._dispatcher.close()
            self._loop.close()

    async def _end(self) -> None:
        if self._conversation is not None:
            await self._conversation.end_session()

    def _adapt(self, value: object) -> object:
        """The blocking conversation in place of the asyncio one, and anything else as it is.

        It is asked for in the event loop, by the start or by the first callback.
        """
        if not isinstance(value, asyncio_side.BaseConversation):
            return value
        if self._blocking is None:
            assert self._loop is not None
            kind = (
                TextConversation
                if isinstance(value, asyncio_side.TextConversation)
                else VoiceConversation
            )
            self._conversation = value
            self._blocking = kind(value, self._loop, self._dispatcher)
        return self._blocking
