"""Starting a session: connect, agree on the formats, open the devices, and begin."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

from duologue.conversation.options import SessionPlan, TextOptions, VoiceOptions, plan_session
from duologue.conversation.outbox import Outbox
from duologue.conversation.parts import SessionParts, StatusReporter
from duologue.conversation.session import CALLBACK_LIMIT_S, BaseConversation
from duologue.conversation.sound.choice import chosen_devices
from duologue.conversation.starting.connecting import Opened, connect
from duologue.conversation.starting.prelude import Prelude
from duologue.conversation.telling.callbacks import CallbackQueue
from duologue.conversation.text import TextConversation
from duologue.conversation.voice import VoiceConversation
from duologue.dialogue.actions import Report
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.tools.approvals import Approvals
from duologue.dialogue.tools.calls import ToolCalls
from duologue.dialogue.values import Status
from duologue.errors import SessionConnectionError
from duologue.protocol.formats import DEFAULT_INPUT_FORMAT, AudioFormat
from duologue.protocol.server_events import ConversationMetadataEvent

C = TypeVar("C", bound=BaseConversation)

AUDIO_BACKLOG_MS = 1000
"""How much microphone sound waits at most for a server that takes it too slowly."""


class SessionStart(Generic[C]):
    """A session about to start: await it, or enter it with `async with`.

    Awaited, it gives the conversation, and the caller ends the session. Entered, it gives the
    conversation too, and leaving the block ends the session, whatever was raised in it. It can be
    used once; as a task it runs with `asyncio.ensure_future`. Cancelling a start releases
    everything.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._used = False
        self._conversation: C | None = None

    def __await__(self) -> Generator[Any, None, C]:
        return self._start().__await__()

    async def __aenter__(self) -> C:
        self._conversation = await self._start()
        return self._conversation

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._conversation is not None
        await self._conversation.end_session()

    async def _start(self) -> C:
        if self._used:
            raise RuntimeError(
                "this start has been awaited or entered before; call start_session() for another"
            )
        self._used = True
        conversation: Any = await _start(self._plan)
        started: C = conversation
        return started


class Conversation:
    """Where conversations begin."""

    @overload
    @staticmethod
    def start_session(
        *, text_only: Literal[True], **options: Unpack[TextOptions]
    ) -> SessionStart[TextConversation]: ...

    @overload
    @staticmethod
    def start_session(
        *, text_only: Literal[False] = False, **options: Unpack[VoiceOptions]
    ) -> SessionStart[VoiceConversation]: ...

    @staticmethod
    def start_session(*, text_only: bool = False, **options: Any) -> SessionStart[Any]:
        """Start a conversation with an agent.

        The options are those of `VoiceOptions`, or with `text_only=True` of `TextOptions`. They
        are checked here, before anything is opened; what is returned is to be awaited or entered.

        Raises:
            TypeError: an option that does not exist, or a value of the wrong kind.
            ValueError: options that are missing, contradict one another, or are out of range.

        Callbacks are called in this order: `on_status_change` (connecting),
        `on_can_send_feedback_change` (False), `on_conversation_created`, `on_status_change`
        (connected), `on_connect`, `on_outgoing_event` (the initiation; before it, for an
        orchestrator, its setup), then what the server has sent, its metadata first if it was, and
        `on_device_change` if a device that was asked for is not there. A start that fails raises,
        and calls after the first two only `on_status_change` (disconnected).

        Awaiting or entering raises:
            SessionConnectionError: the server cannot be reached, refuses, ends the session while
                it starts, or does not answer within `connect_timeout`.
            SignedUrlRefused: the server gives no signed URL for the `api_key`.
            ConversationTokenRefused: the server gives no token for a conversation over WebRTC.
            UnsupportedAudioFormat: the server wants a format that is not of the protocol.
            DeviceError: the microphone or the speaker cannot be opened, or not within 10 s.
        """
        return SessionStart(plan_session(options, text_only=text_only))


async def _start(plan: SessionPlan) -> BaseConversation:
    callbacks = CallbackQueue(plan.callbacks)
    status = StatusReporter(callbacks)
    callbacks.put(Report.of("on_can_send_feedback_change", False))
    try:
        return await _connected(plan, callbacks, status)
    except BaseException:
        status.advance(Status.DISCONNECTED)
        await callbacks.close(CALLBACK_LIMIT_S)
        raise


async def _connected(
    plan: SessionPlan, callbacks: CallbackQueue, status: StatusReporter
) -> BaseConversation:
    await asyncio.sleep(plan.connection_delay_s)
    deadline_s = asyncio.get_running_loop().time() + plan.connect_timeout_s
    opened = await connect(
        plan.route,
        deadline_s=deadline_s,
        with_sound=not plan.text_only,
        notify=lambda notice: callbacks.put(Report.of("on_debug", notice)),
    )
    async with AsyncExitStack() as undo:
        undo.push_async_callback(opened.connection.close)
        async with Prelude(opened.connection) as prelude:
            metadata = await prelude.metadata(plan.opening, deadline_s)
            agreed = opened.connection.agreed(metadata)
            conversation = _conversation(plan, opened, agreed, callbacks, status)
            undo.push_async_callback(conversation.abandon)
            await conversation.prepare()
        if not prelude.ended_regularly:
            prelude.raise_if_ended()
        undo.pop_all()
    conversation.begin(prelude.received, prelude.disconnection)
    return conversation


def _conversation(
    plan: SessionPlan,
    opened: Opened,
    metadata: ConversationMetadataEvent,
    callbacks: CallbackQueue,
    status: StatusReporter,
) -> BaseConversation:
    chunk_ms = plan.sound.input_chunk_duration_ms or opened.connection.chunk_ms
    parts = SessionParts(
        conversation_id=metadata.conversation_id,
        opening=plan.opening,
        connection=opened.connection,
        dialogue=Dialogue(
            None if plan.text_only else _output_format(metadata),
            _tool_calls(plan),
            Approvals(plan.callbacks.get("on_mcp_tool_approval_request")),
        ),
        callbacks=callbacks,
        status=status,
        outbox=Outbox(audio_limit=AUDIO_BACKLOG_MS // chunk_ms),
        upload_origin=opened.origin,
        ssl_context=plan.route.ssl_context,
    )
    if plan.text_only:
        return TextConversation(parts)
    input_format = _input_format(metadata)
    source, sink = chosen_devices(plan.sound, input_format, _output_format(metadata))
    return VoiceConversation(
        parts,
        source=source,
        sink=sink,
        input_format=input_format,
        chunk_ms=chunk_ms,
        plan=plan.sound,
    )


def _tool_calls(plan: SessionPlan) -> ToolCalls:
    return ToolCalls(
        plan.client_tools, reports_unknown="on_unhandled_client_tool_call" in plan.callbacks
    )


def _output_format(metadata: ConversationMetadataEvent) -> AudioFormat:
    if metadata.agent_output_audio_format is None:
        raise SessionConnectionError(
            "the server did not say in which format its sound comes "
            "(no agent_output_audio_format in the metadata); a spoken conversation needs one"
        )
    return AudioFormat.parse(metadata.agent_output_audio_format)


def _input_format(metadata: ConversationMetadataEvent) -> AudioFormat:
    if metadata.user_input_audio_format is None:
        return DEFAULT_INPUT_FORMAT
    return AudioFormat.parse(metadata.user_input_audio_format)
