"""Performs scenarios by the real client, with an agent behind a socket, in memory or in a room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from duologue import Conversation
from duologue.conversation.session import BaseConversation
from duologue.conversation.telling.callbacks import Callbacks
from duologue.dialogue.values import NORMAL_CLOSURE, AgentAudio
from duologue.errors import FeedbackUnavailable
from duologue.protocol.client_messages import ClientMessage, ConversationInitiation, UserAudioChunk
from duologue.protocol.codec import Frame
from duologue.protocol.server_events import AudioEvent, ServerEvent
from duologue.testing import (
    Begin,
    Expect,
    MemoryAgent,
    Say,
    Script,
    ScriptedAgent,
    ScriptedCall,
    play,
)
from tests.conversation.fakes import Log, ManualSink, ManualSource, eventually
from tests.scenarios.media import Medium, Messages, Track
from tests.scenarios.scenario import (
    Answers,
    Closes,
    Moment,
    Outcome,
    PlayedOut,
    Rates,
    Reported,
    Scenario,
    Writes,
)

OF_SESSIONS = {
    "on_connect",
    "on_conversation_created",
    "on_conversation_metadata",
    "on_disconnect",
    "on_incoming_event",
    "on_outgoing_event",
    "on_status_change",
    "on_turn_metrics",
}
"""What a session tells besides what its rules do, and the times of turns."""

INTERRUPTED = "on_interruption"
UNKNOWN_TOOL = "on_unhandled_client_tool_call"


MESSAGES: Final = Messages()

Agent: TypeAlias = Callable[[Script], AbstractAsyncContextManager[Any]]


def at_origin(agent: ScriptedAgent | MemoryAgent) -> dict[str, Any]:
    """The options with which an agent is called that has an origin."""
    return {"agent_id": "a", "origin": agent.origin, "connection_type": "websocket"}


def in_a_room(agent: ScriptedAgent) -> dict[str, Any]:
    """The options with which an agent is called in a room."""
    return {**at_origin(agent), "connection_type": "webrtc"}


async def perform(
    scenario: Scenario,
    agent: Agent,
    way: Callable[[Any], dict[str, Any]] = at_origin,
    medium: Medium = MESSAGES,
) -> Outcome:
    """Let a scenario happen to a conversation, and tell what comes of it.

    Args:
        agent: makes the agent that plays a script.
        way: the options that lead to it.
        medium: what its sound goes through.
    """
    performance = _Performance(scenario, medium)
    async with agent(performance.play) as playing:
        await performance.converse(way(playing))
    return performance.outcome()


class _Performance:
    """Both sides of the conversation: `converse` is the client's, `play` the agent's."""

    def __init__(self, scenario: Scenario, medium: Medium) -> None:
        self._scenario = scenario
        self._medium = medium
        self._log = Log()
        self._arrivals = Log()
        self._speaker = ManualSink()
        self._conversation: asyncio.Future[BaseConversation] = asyncio.Future()
        self._heard: list[tuple[int, ...]] = []
        self._pieces = 0
        self._told_before = 0  # of sound that the user has interrupted
        self._outcome: Outcome | None = None

    async def converse(self, way: dict[str, Any]) -> None:
        names = set(Callbacks.__annotations__) - OF_SESSIONS
        if not self._scenario.answers_unknown_tools:
            names.remove(UNKNOWN_TOOL)
        options = {
            **way,
            "client_tools": self._scenario.tools,
            **self._log.options(*names),
            **self._arrivals.options("on_incoming_event"),
        }
        if self._scenario.text_only:
            start = Conversation.start_session(text_only=True, **options)
        else:
            options |= {"microphone": ManualSource(), "speaker": self._speaker}
            start = Conversation.start_session(**options)
        async with start as conversation:
            self._conversation.set_result(conversation)
            await conversation.wait_until_ended()

    async def play(self, call: ScriptedCall) -> None:
        await play([Begin()], call)
        conversation = await self._conversation
        reports_due = 0
        for moment in self._scenario.moments:
            await self._live(moment, call, conversation)
            await play([Expect(message) for message in moment.sends], call)
            reports_due += len(moment.reports)
            await eventually(partial(self._has_reported, reports_due))
            if INTERRUPTED in [name for name, *_ in moment.reports]:
                self._forget_sound()
        end = await conversation.wait_until_ended() if self._scenario.end is not None else None
        self._outcome = Outcome(
            reports=self._reports, sends=_sent(call), heard=self._heard, end=end
        )
        # Or what still waits to be heard would be waited for: nobody plays it any more.
        await conversation.end_session()

    def outcome(self) -> Outcome:
        assert self._outcome is not None
        return self._outcome

    @property
    def _reports(self) -> list[Reported]:
        # The first is the start's own: nothing can be rated yet.
        reports = self._log.calls[1:]
        if isinstance(self._medium, Track):
            return [report for report in reports if report[0] != "on_audio"]
        return reports

    def _forget_sound(self) -> None:
        """Of what was interrupted, nothing more comes."""
        self._told_before, self._pieces = len(self._log.of("on_audio")), 0

    @property
    def _told(self) -> list[AgentAudio]:
        """The sound that was told since the latest interruption."""
        return self._log.of("on_audio")[self._told_before :]

    def _has_reported(self, count: int) -> bool:
        return len(self._reports) >= count

    async def _live(
        self, moment: Moment, call: ScriptedCall, conversation: BaseConversation
    ) -> None:
        match moment.happening:
            case PlayedOut():
                await self._play_out()
            case Writes(text):
                conversation.send_user_message(text)
            case Rates(like, event_id, refused):
                _rate(conversation, like, event_id, refused=refused)
            case Answers(tool_call_id, result):
                conversation.send_client_tool_result(tool_call_id, result)
            case Closes():
                await self._close(call)
            case AudioEvent() as event if event.audio:
                await self._let_agent_say(event, moment, call)
            case event:
                await self._let_server_say(event, moment, call)

    async def _let_agent_say(self, event: AudioEvent, moment: Moment, call: ScriptedCall) -> None:
        """Let sound come, as far as there is anything to hear it."""
        assert event.event_id is not None
        event = msgspec.structs.replace(event, audio=self._medium.piece(event.event_id))
        await self._let_server_say(event, moment, call)
        if not self._scenario.text_only:
            self._pieces += 1
            await eventually(lambda: self._medium.has_come(self._pieces, self._told))

    async def _let_server_say(
        self, event: ServerEvent | Frame, moment: Moment, call: ScriptedCall
    ) -> None:
        arrived = self._arrived
        await play([Say(event)], call)
        if not moment.reports and not moment.sends and self._medium.carries(event):
            # Nothing else tells that it has arrived, and has led to nothing.
            await eventually(lambda: self._arrived > arrived)

    async def _close(self, call: ScriptedCall) -> None:
        if self._pieces:
            await eventually(lambda: self._medium.is_complete(self._told))
        await call.close(NORMAL_CLOSURE)

    async def _play_out(self) -> None:
        if self._pieces:
            await eventually(lambda: self._medium.is_complete(self._told))
        self._pieces = 0
        self._heard.append(self._medium.levels(self._speaker.play(self._medium.queued_ms)))

    @property
    def _arrived(self) -> int:
        """How many events have come, those apart that a track's sound is made into."""
        events = self._arrivals.of("on_incoming_event")
        return sum(
            not (isinstance(event, AudioEvent) and event.event_id is None) for event in events
        )


def _is_of_track(event: object) -> bool:
    return isinstance(event, AudioEvent) and event.event_id is None


def _rate(
    conversation: BaseConversation, like: bool | None, event_id: int | None, *, refused: bool
) -> None:
    try:
        conversation.send_feedback(like, event_id)
    except FeedbackUnavailable:
        assert refused
    else:
        assert not refused


def _sent(call: ScriptedCall) -> list[ClientMessage]:
    return [
        message
        for message in call.received
        if isinstance(message, ClientMessage)
        and not isinstance(message, ConversationInitiation | UserAudioChunk)
    ]
