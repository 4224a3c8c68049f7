"""Performs scenarios by the rules alone: plain values, no event loop, no clock, no thread."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from typing import Any

from duologue.dialogue.actions import Action, CallTool, End, Play, Report, Send, Silence
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.tools.calls import ToolCalls, raised, returned, text_of
from duologue.dialogue.tools.registry import checked_tools
from duologue.dialogue.values import NORMAL_CLOSURE, AgentAudio, Disconnection
from duologue.errors import FeedbackUnavailable
from duologue.protocol.client_messages import ClientMessage, ClientToolResult, UserMessage
from duologue.protocol.codec import decode_server_event, encode_server_event
from duologue.protocol.server_events import ServerEvent
from tests.scenarios.scenario import (
    PCM,
    Answers,
    Closes,
    Outcome,
    PlayedOut,
    Rates,
    Reported,
    Scenario,
    Writes,
    level_of,
)


def perform(scenario: Scenario) -> Outcome:
    """Let a scenario happen to a `Dialogue`, and tell what comes of it."""
    performance = Performance(scenario)
    for now_ms, moment in enumerate(scenario.moments):
        performance.live(moment.happening, float(now_ms))
    return Outcome(
        reports=performance.reports,
        sends=performance.sends,
        heard=performance.heard,
        end=performance.end,
    )


class Performance:
    """What comes of a scenario, as far as it has been performed; see `Outcome`."""

    def __init__(self, scenario: Scenario) -> None:
        tool_calls = ToolCalls(
            checked_tools(scenario.tools), reports_unknown=scenario.answers_unknown_tools
        )
        self._dialogue = Dialogue(None if scenario.text_only else PCM, tool_calls)
        self._queue: list[AgentAudio] = []
        self.reports: list[Reported] = []
        self.sends: list[ClientMessage] = []
        self.heard: list[tuple[int, ...]] = []
        self.end: Disconnection | None = None

    def live(self, happening: object, now_ms: float) -> None:
        """Let something happen."""
        assert self.end is None, "something happens after the end"
        match happening:
            case ServerEvent():
                event = decode_server_event(encode_server_event(happening))
                self._carry_out(self._dialogue.receive(event, now_ms))
            case str() | bytes():
                self._carry_out(self._dialogue.receive(decode_server_event(happening), now_ms))
            case PlayedOut():
                self._play_out()
            case Closes():
                closed = Disconnection.by_close(NORMAL_CLOSURE, None)
                self._carry_out(self._dialogue.closed(closed, now_ms))
            case Writes(text):
                self.sends.append(UserMessage(text=text))
                self._dialogue.user_wrote(text, now_ms)
            case Rates():
                self._rate(happening)
            case Answers(tool_call_id, result):
                self.sends.append(
                    ClientToolResult(
                        tool_call_id=tool_call_id, result=text_of(result), is_error=False
                    )
                )

    def _play_out(self) -> None:
        self.heard.append(
            tuple(level_of(audio.event_id) for audio in self._queue if audio.event_id is not None)
        )
        self._queue.clear()
        self._carry_out(self._dialogue.playback_changed(playing=True, now_ms=0.0))
        self._carry_out(self._dialogue.playback_changed(playing=False, now_ms=0.0))

    def _rate(self, rating: Rates) -> None:
        ratings = self._dialogue.ratings
        try:
            message = ratings.message(rating.like, rating.event_id)
        except FeedbackUnavailable:
            assert rating.refused
            return
        assert not rating.refused
        self.sends.append(message)
        ratings.sent(message)
        self._carry_out(list(ratings.changes()))

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(message):
                    self.sends.append(message)
                case Play(audio):
                    self._queue.append(audio)
                case Silence():
                    self._queue.clear()
                case Report(callback, arguments):
                    self._report(callback, arguments)
                case CallTool():
                    self._carry_out(_called(action))
                case End(disconnection):
                    self.end = disconnection
                    self._carry_out(list(self._dialogue.over()))

    def _report(self, callback: str, arguments: tuple[object, ...]) -> None:
        if callback != "on_turn_metrics":  # times are not the scenarios' subject
            self.reports.append((callback, *arguments))


def _called(call: CallTool) -> list[Action]:
    try:
        value = call.tool.function(*call.arguments.positional, **call.arguments.by_name)
        return returned(call.event, _awaited(value) if inspect.iscoroutine(value) else value)
    except Exception as error:
        return raised(call.event, error)


def _awaited(coroutine: Coroutine[Any, Any, object]) -> object:
    """What an async tool returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("this tool waits for something, which needs an event loop")
