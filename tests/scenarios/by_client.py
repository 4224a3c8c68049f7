"""Performs scenarios by the real client, with an agent behind a socket or in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias

from duologue import Conversation
from duologue.audio.samples import Samples
from duologue.conversation.callbacks import Callbacks
from duologue.conversation.session import BaseConversation
from duologue.errors import FeedbackUnavailable
from duologue.protocol.client_messages import ClientMessage, ConversationInitiation, UserAudioChunk
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
from tests.scenarios.scenario import (
    PIECE_FRAMES,
    Answers,
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

UNKNOWN_TOOL = "on_unhandled_client_tool_call"

FADED_FRAMES = 80
"""The pieces end off zero, so what follows them fades in, for 5 ms."""

PLAYED_AT_ONCE_MS = 2000
"""More than any scenario queues."""


Agent: TypeAlias = Callable[[Script], AbstractAsyncContextManager[Any]]


def at_origin(agent: ScriptedAgent | MemoryAgent) -> dict[str, Any]:
    """The options with which an agent is called that has an origin."""
    return {"agent_id": "a", "origin": agent.origin}


async def perform(
    scenario: Scenario, agent: Agent, way: Callable[[Any], dict[str, Any]] = at_origin
) -> Outcome:
    """Let a scenario happen to a conversation, and tell what comes of it.

    Args:
        agent: makes the agent that plays a script.
        way: the options that lead to it.
    """
    performance = _Performance(scenario)
    async with agent(performance.play) as playing:
        await performance.converse(way(playing))
    return performance.outcome()


class _Performance:
    """Both sides of the conversation: `converse` is the client's, `play` the agent's."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._log = Log()
        self._arrivals = Log()
        self._speaker = ManualSink()
        self._conversation: asyncio.Future[BaseConversation] = asyncio.Future()
        self._heard: list[tuple[int, ...]] = []
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
        end = await conversation.wait_until_ended() if self._scenario.end is not None else None
        self._outcome = Outcome(
            reports=self._reports, sends=_sent(call), heard=self._heard, end=end
        )

    def outcome(self) -> Outcome:
        assert self._outcome is not None
        return self._outcome

    @property
    def _reports(self) -> list[Reported]:
        # The first is the start's own: nothing can be rated yet.
        return self._log.calls[1:]

    def _has_reported(self, count: int) -> bool:
        return len(self._reports) >= count

    async def _live(
        self, moment: Moment, call: ScriptedCall, conversation: BaseConversation
    ) -> None:
        match moment.happening:
            case PlayedOut():
                self._heard.append(_levels(self._speaker.play(PLAYED_AT_ONCE_MS)))
            case Writes(text):
                conversation.send_user_message(text)
            case Rates(like, event_id, refused):
                _rate(conversation, like, event_id, refused=refused)
            case Answers(tool_call_id, result):
                conversation.send_client_tool_result(tool_call_id, result)
            case event:
                arrived = len(self._arrivals.calls)
                await play([Say(event)], call)
                if not moment.reports and not moment.sends:
                    # Nothing else tells that it has arrived, and has led to nothing.
                    await eventually(lambda: len(self._arrivals.calls) > arrived)


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


def _levels(heard: Samples) -> tuple[int, ...]:
    """The levels of the pieces in what was heard, in order; what fades is none."""
    runs = [(level, len(list(run))) for level, run in groupby(heard.tolist()) if level]
    return tuple(
        level for level, frames in runs for _ in range((frames + FADED_FRAMES) // PIECE_FRAMES)
    )
