"""The caller's callbacks: which there are, and how they are called.

Reports are put in order into a queue, and one task calls the callbacks one after another, so that
neither sound nor answers to pings wait for a caller's code.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypedDict

from duologue.conversation.telling.backlog import Backlog
from duologue.dialogue.actions import Report
from duologue.dialogue.turns import TurnMetrics
from duologue.dialogue.values import (
    AgentAudio,
    ConnectionNotice,
    DeviceChange,
    Disconnection,
    ErrorReport,
    Message,
    Mode,
    Status,
)
from duologue.protocol import server_events as events
from duologue.protocol.client_messages import ClientMessage, UserAudioChunk
from duologue.protocol.codec import MalformedEvent, Mended, UnknownEvent, message_of

logger = logging.getLogger("duologue")

BACKLOG_LIMIT: Final = 10_000
"""How many reports wait at most. Beyond it the oldest is dropped, audio and VAD reports first."""

CALLED_AT_ONCE: Final = 50
"""So many reports that wait are delivered before the loop does something else."""

HELD_LOOP_LIMIT_S: Final = 0.1
"""A callback that holds the event loop for longer is named in a warning."""

_DROPPED_FIRST: Final = frozenset({"on_audio", "on_audio_alignment", "on_vad_score"})
_DROPPED_FIRST_EVENTS: Final = (events.AudioEvent, events.VadScoreEvent, UserAudioChunk)

_current_delivery: ContextVar[object] = ContextVar("duologue_current_delivery", default=None)
"""What is being delivered by the callback in which code runs, or by which its task was begun."""


class Callbacks(TypedDict, total=False):
    """The callbacks of a conversation. Each may be a plain function or an async one.

    An event of the server's comes as its own type of `duologue.protocol.server_events`; events
    without fields call their callback without an argument. Callbacks are called one after another,
    in the event loop of the conversation; an async one is awaited before the next is called.

    `on_incoming_event` gets every event of the server's before the callback of that event does,
    `on_outgoing_event` every message that is about to be sent, the microphone's sound included.
    """

    on_incoming_event: Callable[[events.ServerEvent | UnknownEvent], object] | None
    on_outgoing_event: Callable[[ClientMessage], object] | None
    on_connect: Callable[[str], object] | None
    on_disconnect: Callable[[Disconnection], object] | None
    on_message: Callable[[Message], object] | None
    on_error: Callable[[ErrorReport], object] | None
    on_status_change: Callable[[Status], object] | None
    on_mode_change: Callable[[Mode], object] | None
    on_can_send_feedback_change: Callable[[bool], object] | None
    on_audio: Callable[[AgentAudio], object] | None
    on_audio_alignment: Callable[[events.Alignment], object] | None
    on_device_change: Callable[[DeviceChange], object] | None
    on_turn_metrics: Callable[[TurnMetrics], object] | None
    on_debug: (
        Callable[
            [
                UnknownEvent
                | MalformedEvent
                | Mended[events.ServerEvent]
                | events.ServerEvent
                | ConnectionNotice
            ],
            object,
        ]
        | None
    )
    on_conversation_metadata: Callable[[events.ConversationMetadataEvent], object] | None
    on_asr_initiation_metadata: Callable[[events.AsrInitiationMetadataEvent], object] | None
    on_tentative_user_transcript: Callable[[events.TentativeUserTranscriptEvent], object] | None
    on_agent_response_correction: Callable[[events.AgentResponseCorrectionEvent], object] | None
    on_agent_chat_response_part: Callable[[events.AgentChatResponsePartEvent], object] | None
    on_agent_reasoning_response_part: (
        Callable[[events.AgentReasoningResponsePartEvent], object] | None
    )
    on_interruption: Callable[[events.InterruptionEvent], object] | None
    on_vad_score: Callable[[events.VadScoreEvent], object] | None
    on_ping: Callable[[events.PingEvent], object] | None
    on_context_usage: Callable[[events.ContextUsageEvent], object] | None
    on_mcp_tool_call: Callable[[events.McpToolCallEvent], object] | None
    on_mcp_connection_status: Callable[[events.McpConnectionStatusEvent], object] | None
    on_agent_tool_request: Callable[[events.AgentToolRequestEvent], object] | None
    on_agent_tool_response: (
        Callable[[events.AgentToolResponseEvent | events.AgentToolResponseFullPayloadEvent], object]
        | None
    )
    on_rich_content: Callable[[events.RichContentEvent], object] | None
    on_guardrail_triggered: Callable[[], object] | None
    on_agent_typing: Callable[[events.AgentTypingEvent], object] | None
    on_external_agent_connected: Callable[[], object] | None
    on_external_agent_disconnected: Callable[[], object] | None
    on_unhandled_client_tool_call: Callable[[events.ClientToolCallEvent], object] | None
    on_agent_response_complete: Callable[[events.AgentResponseCompleteEvent], object] | None
    on_agent_response_metadata: Callable[[events.AgentResponseMetadataEvent], object] | None
    on_client_error: Callable[[events.ClientErrorEvent], object] | None
    on_dtmf_request: Callable[[events.DtmfRequestEvent], object] | None
    on_queue_status: Callable[[events.QueueStatusEvent], object] | None


class CallbackQueue:
    """Calls callbacks in the order of their reports. All methods belong to one event loop."""

    def __init__(self, callbacks: Mapping[str, Callable[..., object]]) -> None:
        self._callbacks = callbacks
        self._waiting: Backlog[Report] = Backlog(BACKLOG_LIMIT, _is_dropped_first)
        self._work = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="duologue callbacks")
        self._delivery: object = None
        self._finished = False

    @property
    def dropped(self) -> int:
        """How many reports were dropped, because callbacks were too slow."""
        return self._waiting.dropped

    def wants(self, name: str) -> bool:
        """Whether there is a callback of that name: reports for others need not be made."""
        return name in self._callbacks

    def put(self, report: Report) -> None:
        """Let a report be delivered after those that wait already."""
        if not self._finished:
            self._add(report)

    def finish(self, limit_s: float) -> None:
        """Take no more reports. Those that wait are delivered, for at most `limit_s` in all.

        What is being called then is cancelled, whether or not anybody waits in `close`.
        """
        if self._finished:
            return
        self._finished = True
        self._work.set()
        giving_up = asyncio.get_running_loop().call_later(limit_s, self._give_up, limit_s)
        self._task.add_done_callback(lambda _: giving_up.cancel())

    async def close(self, limit_s: float) -> None:
        """Finish, and wait until all that waits has been delivered or given up; see `finish`.

        A callback that does not let itself be cancelled is waited for no longer than `limit_s`
        more. Inside a callback, and in a task that it has begun and may wait for, this returns at
        once: the queue finishes after that callback.
        """
        self.finish(limit_s)
        if self._delivery is not None and _current_delivery.get() is self._delivery:
            return
        await asyncio.wait([self._task], timeout=2 * limit_s)

    def _give_up(self, limit_s: float) -> None:
        logger.warning(
            "callbacks did not finish within %g s of the session's end; %d reports are lost",
            limit_s,
            len(self._waiting),
        )
        self._task.cancel()

    def _add(self, report: Report) -> None:
        if report.callback not in self._callbacks:
            if report.callback == "on_error":
                logger.error("%s", *report.arguments)
            return
        if len(self._waiting) >= BACKLOG_LIMIT and not self.dropped:
            logger.warning(
                "%d reports wait for callbacks that are too slow; from now on some are dropped",
                BACKLOG_LIMIT,
            )
        self._waiting.append(report)
        self._work.set()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            for count in itertools.count(1):
                if not self._waiting:
                    break
                await self._deliver(self._waiting.popleft())
                if count % CALLED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            if self._finished:
                return

    async def _deliver(self, report: Report) -> None:
        self._delivery = object()
        _current_delivery.set(self._delivery)
        try:
            await self._call(self._callbacks[report.callback], report)
        except Exception as error:
            self._raised(report.callback, error)
        except asyncio.CancelledError as error:
            if self._is_cancelled():
                raise
            self._raised(report.callback, error)  # something that the callback waited for
        finally:
            self._delivery = None

    async def _call(self, callback: Callable[..., object], report: Report) -> None:
        started_s = time.monotonic()
        result = callback(*report.arguments)
        _warn_if_slow(report.callback, time.monotonic() - started_s)
        if inspect.iscoroutine(result):
            await _Watched(result, report.callback)
        elif inspect.isawaitable(result):
            await result

    def _is_cancelled(self) -> bool:
        return self._task.cancelling() > 0

    def _raised(self, name: str, error: BaseException) -> None:
        logger.error("the callback %s raised; the conversation goes on", name, exc_info=error)
        if name == "on_error":
            return  # it would be told of its own failure, and fail again
        sentence = f"the callback {name} raised {type(error).__name__}: {error}"
        context: dict[str, Any] = {"callback": name, "exception": error}
        # Even after the last report, which may be the one whose callback has raised.
        self._add(Report.of("on_error", ErrorReport(message=sentence, context=context)))


def _is_dropped_first(report: Report) -> bool:
    if report.callback in _DROPPED_FIRST:
        return True
    return any(
        isinstance(message_of(argument), _DROPPED_FIRST_EVENTS) for argument in report.arguments
    )


class _Watched:
    """A coroutine whose every step is measured: an async callback can hold the loop as well."""

    def __init__(self, coroutine: Coroutine[Any, Any, object], name: str) -> None:
        self._coroutine = coroutine
        self._name = name

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            started_s = time.monotonic()
            try:
                waits_for = step()
            except StopIteration:
                return
            finally:
                _warn_if_slow(self._name, time.monotonic() - started_s)
            try:
                step = partial(self._coroutine.send, (yield waits_for))
            except BaseException as error:
                step = partial(self._coroutine.throw, error)


def _warn_if_slow(name: str, held_s: float) -> None:
    if held_s > HELD_LOOP_LIMIT_S:
        logger.warning(
            "the callback %s held the event loop for %d ms; make it async, or move its work "
            "to a thread, so that the conversation does not stall",
            name,
            held_s * 1000,
        )
