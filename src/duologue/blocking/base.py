"""What every blocking conversation stands on: the way to its event loop, its events, its end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from duologue.blocking.dispatcher import Dispatcher
from duologue.blocking.loop_thread import LoopClosed, LoopThread, run
from duologue.conversation.session import BaseConversation as AsyncioConversation
from duologue.conversation.telling import iteration
from duologue.dialogue.values import Disconnection

R = TypeVar("R")

THREADS_LIMIT_S: Final = 1.0
"""How long the end of a conversation waits for the end of its threads."""


class BlockingBase:
    """A conversation of `duologue` that is used without `async`, from any thread.

    Its event loop runs in a thread of its own. Leaving its `with` block ends it.
    """

    _conversation: Any  # each class says which part of the asyncio conversation it stands for

    def __init__(
        self, conversation: AsyncioConversation, loop: LoopThread, dispatcher: Dispatcher
    ) -> None:
        self._conversation = conversation
        self._loop = loop
        self._dispatcher = dispatcher

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end_session()

    def __iter__(self) -> EventIterator:
        """Every event of the server's, in order: `for event in conversation`.

        Each loop gets every event from its beginning on. The first one begins with the metadata:
        the last 1,000 events before it are kept for it, sound excepted. At most 1,000 wait for
        each loop; see `EventIterator.dropped`. Loops end with the session, without raising. Ctrl-C
        while one waits ends the session, and raises `KeyboardInterrupt` after that.
        """
        return EventIterator(self._in_loop(self._conversation.__aiter__), self._wait_or_end)

    def end_session(self) -> None:
        """End the conversation and release everything, within a few seconds.

        What was queued before is still sent, for 1 s at most; what the agent was saying is cut off.
        Calling it again, or while the conversation ends by itself, waits for the same end. Waits
        for callbacks as `wait_until_ended` does. Ctrl-C stops the waiting, not the end.
        """
        self._until_end(self._conversation.end_session)

    def wait_until_ended(self) -> Disconnection:
        """Wait until the conversation is over, and return why it ended.

        It returns after `on_disconnect`, for which there are 5 s after the end: callbacks that take
        longer are no longer waited for, with a warning in the log. Called inside a callback, it
        does not wait for that callback, and so returns before `on_disconnect`. Ctrl-C ends the
        session, and raises `KeyboardInterrupt` after that.
        """
        try:
            self._until_end(self._conversation.wait_until_ended)
        except KeyboardInterrupt:
            self.end_session()
            raise
        disconnection: Disconnection | None = self._conversation.disconnection
        assert disconnection is not None
        return disconnection

    def _in_loop(self, function: Callable[[], R]) -> R:
        """Call a function where the conversation lives, whose state no other thread may touch."""

        async def call() -> R:
            return function()

        if self._loop.is_current():  # an async tool uses its conversation
            return function()
        try:
            return self._loop.call(call)
        except LoopClosed:  # nobody else touches the conversation any more
            return function()

    def _wait_for(self, function: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run an async function of the conversation, and wait for its outcome.

        What may still be done after the end is done in a loop of its own.
        """
        try:
            return self._loop.call(function)
        except LoopClosed:
            return run(function, "late call")

    def _wait_or_end(self, function: Callable[[], Coroutine[Any, Any, R]]) -> R:
        try:
            return self._wait_for(function)
        except KeyboardInterrupt:
            self.end_session()
            raise

    def _until_end(self, wait: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Wait for the end, and then for the threads, so that nothing is left after it."""
        try:
            self._loop.call(wait)
        except LoopClosed:
            return
        if not self._dispatcher.is_current():  # a callback would wait for its own end
            self._loop.join(THREADS_LIMIT_S)
            self._dispatcher.join(THREADS_LIMIT_S)


class EventIterator(Iterator[iteration.Event]):
    """The events of a conversation, in order; it ends with the conversation, without raising.

    Args:
        events: the same events for an event loop.
        wait: waits there for one.
    """

    def __init__(
        self,
        events: iteration.EventIterator,
        wait: Callable[[Callable[[], Coroutine[Any, Any, iteration.Event]]], iteration.Event],
    ) -> None:
        self._events = events
        self._wait = wait

    @property
    def dropped(self) -> int:
        """How many events were dropped, because they were not taken in time: of 1,000 that wait,
        sound goes first, then the oldest.
        """
        return self._events.dropped

    def __next__(self) -> iteration.Event:
        try:
            return self._wait(self._events.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None
