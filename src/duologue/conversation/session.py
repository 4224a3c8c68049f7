"""A running conversation: what its tasks do, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal

from duologue.connection.base import Received
from duologue.conversation.answer_watch import AnswerWatch
from duologue.conversation.clock import clock_of
from duologue.conversation.handlers.approvals import ApprovalRunner
from duologue.conversation.handlers.tools import ToolRunner
from duologue.conversation.parts import SessionParts
from duologue.conversation.senders import Senders
from duologue.conversation.takedown import take_each
from duologue.conversation.telling.iteration import EventIterator, EventStream
from duologue.conversation.uploads import Uploads
from duologue.dialogue.actions import (
    Action,
    CallTool,
    CancelApproval,
    End,
    Play,
    Report,
    RequestApproval,
    Send,
    Silence,
)
from duologue.dialogue.transcript import answer_in
from duologue.dialogue.turns import TurnMetrics
from duologue.dialogue.values import (
    AgentAudio,
    ConnectionNotice,
    Disconnection,
    Message,
    Mode,
    Status,
)
from duologue.errors import ConversationEnded, SendQueueFull
from duologue.protocol.client_messages import ClientMessage, ClientToolResult
from duologue.protocol.codec import MalformedEvent, encode_client_message, message_of
from duologue.protocol.server_events import UserTranscriptEvent

logger = logging.getLogger("duologue")

FLUSH_LIMIT_S: Final = 1.0
"""How long the end waits for messages that are queued already."""

ANSWER_LIMIT_S: Final = 60.0
"""How long `answered` waits, unless another limit is given."""

CALLBACK_LIMIT_S: Final = 5.0
"""How long the end waits for callbacks that are still to be called."""

_NO_MESSAGES: Final = (MalformedEvent, ConnectionNotice)


class BaseConversation(Senders, Uploads):
    """What spoken and written conversations have in common.

    A conversation is made by `Conversation.start_session`, and ended by `end_session`, by leaving
    the `async with` that started it, or at the latest as its event loop shuts down. Its senders
    may be called from any thread; everything else belongs to the event loop in which it was
    started.
    """

    def __init__(self, parts: SessionParts) -> None:
        super().__init__(parts.dialogue)
        self._id = parts.conversation_id
        self._opening = parts.opening
        self._connection = parts.connection
        self._tools = ToolRunner(self._carry_out)
        self._approvals = ApprovalRunner(
            parts.dialogue.approvals, self._rules_lock, self._carry_out, parts.callbacks.put
        )
        self._callbacks = parts.callbacks
        self._status = parts.status
        self._outbox = parts.outbox
        self._upload_origin = parts.upload_origin
        self._ssl_context = parts.ssl_context
        self._events = EventStream()
        self._loop = asyncio.get_running_loop()
        self._clock_s = clock_of(self._loop)
        self._answer_watch = AnswerWatch(self._answer_over_at_ms, self._now_ms)
        self._tasks: list[asyncio.Task[None]] = []
        self._deadline_ms: float | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._tells_incoming = parts.callbacks.wants("on_incoming_event")
        self._tells_outgoing = parts.callbacks.wants("on_outgoing_event")
        self._end_begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._disconnection: Disconnection | None = None
        # Begun before the session is: a task that is cancelled before its first step does nothing.
        self._ending = asyncio.create_task(
            self._take_down_at_end(), name=f"duologue end {self._id}"
        )

    @property
    def id(self) -> str:
        """The server's id of this conversation."""
        return self._id

    @property
    @abstractmethod
    def type(self) -> Literal["voice", "text"]:
        """Whether this conversation is spoken or written."""

    @property
    def status(self) -> Status:
        """How far the session is."""
        return self._status.status

    @property
    def mode(self) -> Mode:
        """Whether the agent is being heard. After the end it is not."""
        return self._dialogue.mode

    @property
    def transcript(self) -> tuple[Message, ...]:
        """What was said, heard and written until now, in order; of 10,000 messages the latest.

        A message that the user has interrupted has what was heard of it as its `text`, once the
        server has said so.
        """
        with self._rules_lock:
            return self._dialogue.transcript.messages

    @property
    def transcript_dropped(self) -> int:
        """How many messages `transcript` no longer has, because there were too many."""
        return self._dialogue.transcript.dropped

    @property
    def turn_metrics(self) -> tuple[TurnMetrics, ...]:
        """How long each turn took; of 10,000 turns the latest."""
        return tuple(self._dialogue.turn_metrics)

    @property
    def disconnection(self) -> Disconnection | None:
        """Why the conversation ended; None while it goes on."""
        return self._disconnection

    def __aiter__(self) -> EventIterator:
        """Every event of the server's, in order: `async for event in conversation`.

        Each loop gets every event from its beginning on. The first one begins with the metadata:
        the last 1,000 events before it are kept for it, sound excepted. At most 1,000 wait for
        each loop; see `EventIterator.dropped`. Loops end with the session, without raising.
        """
        return self._events.iterate()

    def get_id(self) -> str:
        """The server's id of this conversation."""
        return self._id

    def is_open(self) -> bool:
        """True from the moment the session is connected until it begins to end."""
        return self._status.status is Status.CONNECTED

    async def end_session(self) -> None:
        """End the conversation and release everything, within a few seconds.

        What was queued before is still sent, for 1 s at most; what the agent was saying is cut off.
        Calling it again, or while the conversation ends by itself, waits for the same end. Waits
        for callbacks as `wait_until_ended` does. Cancelling it stops the waiting, not the end.
        """
        self._end(Disconnection.by_user())
        await self.wait_until_ended()

    async def wait_until_ended(self) -> Disconnection:
        """Wait until the conversation is over, and return why it ended.

        It returns after `on_disconnect`, for which there are 5 s after the end: callbacks that take
        longer are cancelled, with a warning in the log. Awaited inside a callback, it does not
        wait for that callback, and so returns before `on_disconnect`. Cancelling it changes
        nothing.
        """
        await self._ended.wait()
        await self._callbacks.close(CALLBACK_LIMIT_S)
        assert self._disconnection is not None
        return self._disconnection

    async def answered(self, *, limit_s: float = ANSWER_LIMIT_S) -> tuple[Message, ...]:
        """Wait until the agent's current answer is whole and has been heard, and return it.

        Right after `send_user_message`, that is the answer to it: ask and wait. Without an answer
        that goes on or is expected it returns at once. It also returns when the conversation ends,
        and, for an answer that is interrupted, once that is silent. An answer is over when the
        server says so, or when nothing more has come of it for a moment: 0.3 s in writing, 0.6 s
        by voice, and up to 5 s where a tool has run or its sound has not begun. Cancelling it
        changes nothing.

        Args:
            limit_s: how long to wait at most.

        Returns:
            What the agent has said since the user's latest message, from the `transcript`.

        Raises:
            TimeoutError: no answer has come, or it goes on, after `limit_s`.
        """
        try:
            async with asyncio.timeout(limit_s):
                await self._answer_watch.wait()
        except TimeoutError:
            raise TimeoutError(
                f"the agent's answer was not over within {limit_s:g} s; raise `limit_s` if answers "
                "take longer, or go on without it"
            ) from None
        return answer_in(self.transcript)

    async def prepare(self) -> None:
        """Open what this kind of conversation needs besides its connection."""

    async def abandon(self) -> None:
        """Release what `prepare` opened, for a conversation that never begins."""
        self._ending.cancel()
        await self._release()

    def begin(self, earlier: Iterable[Received], end: Disconnection | None = None) -> None:
        """Become connected: report so, act on what came `earlier`, and run until the end.

        Args:
            earlier: what was received while the session started.
            end: how the connection ended after that, if it did.
        """
        self._dialogue.began(self._now_ms(), datetime.now(UTC))
        self._callbacks.put(Report.of("on_conversation_created", self))
        self._status.advance(Status.CONNECTED)
        self._callbacks.put(Report.of("on_connect", self._id))
        for message in self._opening:
            self._callbacks.put(Report.of("on_outgoing_event", message))
        for event in earlier:
            self._act_on(event)
        self._tasks = [
            self._run(self._outbox.send_all(self._transmit), "sender"),
        ]
        if end is None:
            self._tasks.append(self._run(self._receive_all(), "receiver"))
        else:
            self._closed(end)

    def _send(self, message: ClientMessage) -> None:
        encode_client_message(message)  # what cannot be written fails here, not in the sender
        self._outbox.put(message)
        if isinstance(message, ClientToolResult):
            self._dialogue.tool_result_sent(message.tool_call_id, self._now_ms())
            self._in_loop(self._answer_watch.happened)

    def _act_on(self, event: Received) -> None:
        if self._disconnection is not None:
            return
        if not isinstance(event, _NO_MESSAGES):
            message = message_of(event)
            if self._tells_incoming:
                self._callbacks.put(Report.of("on_incoming_event", message))
            self._events.put(message)
            if isinstance(message, UserTranscriptEvent):
                self._user_was_understood()
        with self._rules_lock:
            actions = self._dialogue.receive(event, self._now_ms())
        self._carry_out(actions)

    def _closed(self, disconnection: Disconnection) -> None:
        """The connection has ended. What the agent said last may still be heard before the end.

        Until then the session counts as connected, as it does after `end_call`: a program that goes
        on while it is open would else cut the last words off. Senders raise from now on.
        """
        with self._rules_lock:
            actions = self._dialogue.closed(disconnection, self._now_ms())
        self._outbox.close()
        self._carry_out(actions)

    def _user_was_understood(self) -> None:
        """The server knows what the user has said: find out when that was, if it was spoken."""

    def _play(self, audio: AgentAudio) -> None:
        """Let sound be heard, if this kind of conversation has any."""

    def _silence(self) -> None:
        """Be silent at once, if this kind of conversation has sound."""

    async def _release(self) -> None:
        """Release what this kind of conversation holds besides its connection."""

    def _carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if self._disconnection is not None:
                return  # devices may still have something to say, but it is over
            match action:
                case Send(message):
                    self._answer(message)
                case Play(audio):
                    self._play(audio)
                case Silence():
                    self._silence()
                case Report():
                    self._callbacks.put(action)
                case CallTool():
                    self._tools.start(action)
                case RequestApproval():
                    self._approvals.start(action)
                case CancelApproval(tool_call_id):
                    self._approvals.withdraw(tool_call_id)
                case End(disconnection):
                    self._end(disconnection)
        self._heed_deadline()
        self._answer_watch.happened()

    def _answer(self, message: ClientMessage) -> None:
        """Send what the rules ask for.

        A server that asks a thousand things and takes no answer is not served further. One that has
        gone gets none.
        """
        try:
            self._send(message)
        except ConversationEnded:
            logger.debug("The server has gone, and gets no %s", message.TYPE)
        except SendQueueFull as error:
            self._end(_internal(f"the server takes no answers: {error}"))

    async def _transmit(self, message: ClientMessage) -> None:
        self._tell_outgoing(message)
        await self._connection.send(message)

    def _tell_outgoing(self, message: ClientMessage) -> None:
        if self._tells_outgoing:
            self._callbacks.put(Report.of("on_outgoing_event", message))

    async def _receive_all(self) -> None:
        self._closed(await self._connection.receive_all(self._act_on))

    def _heed_deadline(self) -> None:
        """Let the rules know of the next moment for which they wait, if that has changed."""
        with self._rules_lock:
            deadline_ms = self._dialogue.next_deadline_ms
        if deadline_ms == self._deadline_ms:
            return
        self._forget_deadline()
        if deadline_ms is not None:
            wait_s = max(0.0, (deadline_ms - self._now_ms()) / 1000)
            self._deadline_ms = deadline_ms
            self._deadline = self._loop.call_later(wait_s, self._deadline_came)

    def _forget_deadline(self) -> None:
        self._deadline_ms = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _deadline_came(self) -> None:
        self._forget_deadline()
        try:
            with self._rules_lock:
                actions = self._dialogue.tick(self._now_ms())
            self._carry_out(actions)
        except Exception as error:
            self._failed("what waits for a moment", error)

    def _run(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine, name=f"duologue {name} {self._id}")
        task.add_done_callback(self._stopped)
        return task

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """A task that fails has met a mistake of ours: the session ends, and the log has it."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failed(task.get_name(), error)

    def _failed(self, what: str, error: BaseException) -> None:
        logger.error("%s failed", what, exc_info=error)
        self._end(_internal(f"an internal error ended the conversation: {error!r}"))

    def _end(self, disconnection: Disconnection) -> None:
        """Begin the end, unless it has begun: nothing is acted on or taken for sending any more."""
        if self._disconnection is not None:
            return
        self._disconnection = disconnection
        self._status.advance(Status.DISCONNECTING)
        self._forget_deadline()
        self._outbox.close()
        for report in self._dialogue.over():
            self._callbacks.put(report)
        self._approvals.end()
        self._answer_watch.happened()
        self._silence()
        self._end_begun.set()

    async def _take_down_at_end(self) -> None:
        """Wait for the end, and take everything down.

        A loop that shuts down cancels its tasks and waits for them. If nobody has ended the session
        by then, it ends now, or microphone and socket would stay open.
        """
        try:
            await self._end_begun.wait()
        except asyncio.CancelledError:
            if self.status is Status.CONNECTING:
                raise  # it has never begun
            self._end(Disconnection.by_user())
        await self._take_down()

    async def _take_down(self) -> None:
        """Take everything down, every step even if another fails, and report the end."""
        await take_each(
            self._release,
            self._tools.close,
            self._approvals.close,
            lambda: self._outbox.flush(FLUSH_LIMIT_S),
            self._connection.close,
            self._cancel_tasks,
        )
        self._status.advance(Status.DISCONNECTED)
        self._callbacks.put(Report.of("on_disconnect", self._disconnection))
        self._callbacks.finish(CALLBACK_LIMIT_S)
        self._events.finish()
        self._ended.set()

    async def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wrote(self, text: str | None) -> None:
        with self._rules_lock:
            self._dialogue.user_wrote(text, self._now_ms())

    def _rated(self) -> None:
        self._in_loop(lambda: self._carry_out(self._dialogue.ratings.changes()))

    def _approval_sent(self, tool_call_id: str) -> None:
        self._in_loop(lambda: self._approvals.withdraw(tool_call_id))

    def _answer_over_at_ms(self) -> float | None:
        return 0.0 if self._disconnection is not None else self._dialogue.answer_over_at_ms()

    def _now_ms(self) -> float:
        return self._clock_s() * 1000

    def _in_loop(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has closed, and with it the conversation
            self._loop.call_soon_threadsafe(function)


def _internal(message: str) -> Disconnection:
    return Disconnection(reason="error", message=message, context={"type": "error"})
