"""The rules of one conversation, together: what follows from each thing that happens.

Nothing here waits, sends or plays. Something happens, and the answer is a list of actions in the
order in which they are to be carried out.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from duologue.dialogue.actions import Action, Play, Report, Send, Silence
from duologue.dialogue.answers import Answers
from duologue.dialogue.ending import Ending
from duologue.dialogue.feedback import Ratings
from duologue.dialogue.gate import Gate
from duologue.dialogue.heard import Heard
from duologue.dialogue.reports import CALLBACK_OF_EVENT
from duologue.dialogue.tools.approvals import Approvals
from duologue.dialogue.tools.calls import ToolCalls, unreadable
from duologue.dialogue.transcript import MESSAGES_LIMIT, Transcript
from duologue.dialogue.turns import TurnMetrics, Turns
from duologue.dialogue.values import (
    AgentAudio,
    ConnectionNotice,
    Disconnection,
    ErrorReport,
    Message,
    Mode,
)
from duologue.protocol.client_messages import Pong
from duologue.protocol.codec import Incoming, MalformedEvent, Mended, UnknownEvent
from duologue.protocol.formats import AudioFormat
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCompleteEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AgentToolRequestEvent,
    AgentToolResponseEvent,
    AgentToolResponseFullPayloadEvent,
    AudioEvent,
    ClientToolCallEvent,
    ErrorEvent,
    InterruptionEvent,
    McpToolCallEvent,
    PingEvent,
    ServerEvent,
    UserTranscriptEvent,
)


class Dialogue:
    """What one conversation knows about itself while it goes on.

    Attributes:
        mode: whether the agent is to be heard.
        transcript: the messages until now.
        turn_metrics: the times of the latest 10,000 turns, in order.
        ratings: which response of the agent can be rated.
        heard: what of the agent's words has been heard.
        late_audio_events: how many were not played, because the user had interrupted before.
        approvals: which calls of MCP tools can be approved or denied.

    Args:
        output_format: how the agent's sound comes over the wire; None in a text conversation,
            where sound is not wanted and leads to nothing.
        tool_calls: the client's tools; by default it has none.
        approvals: a ledger without entries; by default one that asks nobody.
    """

    def __init__(
        self,
        output_format: AudioFormat | None,
        tool_calls: ToolCalls | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        self._output_format = output_format
        self._tool_calls = tool_calls or ToolCalls()
        self._gate = Gate()
        self._ending = Ending()
        self._turns = Turns(text_only=output_format is None)
        self._answers = Answers(text_only=output_format is None)
        self._playing = False
        self.mode = Mode.LISTENING
        self.transcript = Transcript()
        self.turn_metrics: deque[TurnMetrics] = deque(maxlen=MESSAGES_LIMIT)
        self.ratings = Ratings()
        self.heard = Heard()
        self.late_audio_events = 0
        self.approvals = approvals or Approvals()

    @property
    def next_deadline_ms(self) -> float | None:
        """When `tick` is to be called next, or None if nothing waits for time to pass."""
        ending_ms, approvals_ms = self._ending.next_deadline_ms, self.approvals.next_deadline_ms
        if ending_ms is None or approvals_ms is None:
            return approvals_ms if ending_ms is None else ending_ms
        return min(ending_ms, approvals_ms)

    def receive(self, event: Incoming | ConnectionNotice, now_ms: float) -> list[Action]:
        """What follows from what the server sent, or from what the connection tells."""
        match event:
            case UnknownEvent() | ConnectionNotice():
                return [Report.of("on_debug", event)]
            case Mended():
                return [Report.of("on_debug", event), *self.receive(event.message, now_ms)]
            case MalformedEvent():
                return [Report.of("on_debug", event), *unreadable(event)]
            case PingEvent():
                return [Send(Pong(event_id=event.event_id)), *_as_it_is(event)]
            case AudioEvent():
                return self._sound(event, now_ms)
            case InterruptionEvent():
                return self._interruption(event, now_ms)
            case UserTranscriptEvent():
                self._ending.went_on()
                self._turns.transcript(now_ms)
                self._asked(now_ms)
                said = Message(role="user", text=event.user_transcript, event_id=event.event_id)
                return self._message(said, now_ms)
            case AgentResponseEvent():
                return self._agent_response(event, now_ms)
            case AgentResponseCorrectionEvent():
                self.transcript.correct(event)
                return _as_it_is(event)
            case AgentChatResponsePartEvent():
                self._answers.text(event.event_id, now_ms, is_whole=event.type == "stop")
                return [*_as_it_is(event), *self._text(event, now_ms)]
            case AgentResponseCompleteEvent():
                self._answers.complete(event.data.get("event_id"), now_ms)
                return _as_it_is(event)
            case AgentToolRequestEvent():
                if event.tool_call_id is not None:
                    self._answers.tool_called(event.tool_call_id, now_ms)
                return _as_it_is(event)
            case AgentToolResponseEvent() | AgentToolResponseFullPayloadEvent():
                self._answers.tool_answered(event.tool_call_id, now_ms)
                ending = self._ending.tool_response(event, now_ms, playing=self._playing)
                return [*_as_it_is(event), *ending]
            case ErrorEvent():
                report = _error_report(event)
                ending = self._ending.error(event, report.message)
                return ending or [Report.of("on_error", report)]
            case ClientToolCallEvent():
                self._answers.tool_called(event.tool_call_id, now_ms)
                return self._tool_calls.called(event)
            case McpToolCallEvent():
                return [*_as_it_is(event), *self.approvals.called(event, now_ms)]
            case _:
                return _as_it_is(event)

    def closed(self, disconnection: Disconnection, now_ms: float) -> list[Action]:
        """The connection has ended, and nothing more is received."""
        return self._ending.closed(disconnection, now_ms, playing=self._playing)

    def playback_changed(self, *, playing: bool, now_ms: float) -> list[Action]:
        """The agent has begun to be heard, or all that was queued has been heard."""
        if playing:
            # What is heard after an interruption is its fade: the agent no longer speaks.
            return self._turn_mode(Mode.SPEAKING) if self._playing else []
        self._playing = False
        self._answers.played_out(now_ms)
        return [*self._turn_mode(Mode.LISTENING), *self._ending.played_out()]

    def became_audible(self, at_ms: float) -> list[Action]:
        """The first audible sample of an answer was played at `at_ms`."""
        return self._metrics(self._turns.audible(at_ms))

    def user_voiced(self, until_ms: float) -> None:
        """The user's voice went out, and at `until_ms` it was still to be heard."""
        self._turns.user_voiced(until_ms)

    def user_wrote(self, text: str | None, now_ms: float) -> None:
        """The user sent a written message; None has files alone."""
        if text:
            self.transcript.add(Message(role="user", text=text), now_ms)
        self._turns.user_wrote(now_ms)
        self._asked(now_ms)

    def tool_result_sent(self, tool_call_id: str, now_ms: float) -> None:
        """The agent has been told what came of a client tool."""
        self._answers.tool_answered(tool_call_id, now_ms)

    def silence_answer(self, now_ms: float) -> list[Action]:
        """The caller wants to hear no more of the agent's current answer."""
        self._gate.silence(self._answers.latest_id, now_ms)
        self._answers.interrupted(now_ms)
        self._playing = False
        return [Silence(), *self._turn_mode(Mode.LISTENING)]

    def answer_over_at_ms(self) -> float | None:
        """See `Answers.over_at_ms`."""
        return self._answers.over_at_ms()

    def began(self, now_ms: float, at: datetime) -> None:
        """The conversation is connected, by the two clocks."""
        self.transcript.begins(now_ms, at)

    def tick(self, now_ms: float) -> list[Action]:
        """What follows from time having passed."""
        return [*self.approvals.tick(now_ms), *self._ending.tick(now_ms)]

    def over(self) -> list[Report]:
        """The conversation ends: the agent is no longer heard, and nothing can be rated."""
        self._playing = False
        changes = [] if self.mode is Mode.LISTENING else [_mode_change(Mode.LISTENING)]
        self.mode = Mode.LISTENING
        return [*changes, *self.ratings.close()]

    def _sound(self, event: AudioEvent, now_ms: float) -> list[Action]:
        if self._output_format is None:
            return []
        if not self._gate.admits(event.event_id, now_ms):
            self.late_audio_events += 1
            return []
        alignment = [Report.of("on_audio_alignment", event.alignment)] if event.alignment else []
        pcm = _pcm(event.audio, self._output_format)
        if not pcm:
            return [*alignment]
        self._turns.audio(event.event_id, now_ms)
        self._answers.sound(event.event_id, now_ms)
        self._playing = True
        audio = AgentAudio(pcm=pcm, format=self._output_format, event_id=event.event_id)
        actions = [
            Play(audio),
            *alignment,
            Report.of("on_audio", audio),
            *self._turn_mode(Mode.SPEAKING),
        ]
        if event.event_id is None:
            return actions  # it cannot be said which response it belongs to
        self.heard.sound(event.event_id, audio.duration_ms, event.alignment)
        return [*actions, *self.ratings.responded(event.event_id)]

    def _asked(self, now_ms: float) -> None:
        self._gate.new_turn()
        self._answers.asked(now_ms)

    def _interruption(self, event: InterruptionEvent, now_ms: float) -> list[Action]:
        self._gate.interrupt(event.event_id)
        self._gate.new_turn()
        self._answers.interrupted(now_ms)
        self._playing = False
        return [Silence(), *_as_it_is(event), *self._turn_mode(Mode.LISTENING)]

    def _agent_response(self, event: AgentResponseEvent, now_ms: float) -> list[Action]:
        if event.event_id is not None:
            self.heard.written(event.event_id, event.agent_response)
        self._answers.text(event.event_id, now_ms, is_whole=True)
        message = Message(
            role="agent",
            text=event.agent_response,
            event_id=event.event_id,
            attachments=tuple(event.attachments or ()),
        )
        return [
            *self._message(message, now_ms),
            *self._text(event, now_ms),
            *self.ratings.responded(event.event_id),
        ]

    def _message(self, message: Message, now_ms: float) -> list[Action]:
        return [Report.of("on_message", self.transcript.add(message, now_ms))]

    def _text(
        self, event: AgentResponseEvent | AgentChatResponsePartEvent, now_ms: float
    ) -> list[Action]:
        if isinstance(event, AgentChatResponsePartEvent) and not event.text:
            return []  # a `start` part announces text, but has none yet
        return self._metrics(self._turns.text(event.event_id, now_ms))

    def _metrics(self, metrics: TurnMetrics | None) -> list[Action]:
        if metrics is None:
            return []
        self.turn_metrics.append(metrics)
        return [Report.of("on_turn_metrics", metrics)]

    def _turn_mode(self, mode: Mode) -> list[Action]:
        if mode is self.mode:
            return []
        self.mode = mode
        return [_mode_change(mode)]


def _mode_change(mode: Mode) -> Report:
    return Report.of("on_mode_change", mode)


def _as_it_is(event: ServerEvent) -> list[Action]:
    callback = CALLBACK_OF_EVENT.get(type(event))
    if callback is None:
        return [Report.of("on_debug", event)]
    # An event without fields says all there is to say by its name.
    return [Report.of(callback, event) if type(event).INNER else Report.of(callback)]


def _pcm(data: bytes, audio_format: AudioFormat) -> bytes:
    """Whole int16 samples. Half a sample at the end, sent by a broken server only, is dropped."""
    if audio_format.encoding == "pcm":
        return data[: len(data) - len(data) % audio_format.bytes_per_sample]
    return audio_format.decode(data).astype("<i2", copy=False).tobytes()


def _error_report(event: ErrorEvent) -> ErrorReport:
    message = event.message or event.reason or event.error_type or "the server reported an error"
    return ErrorReport(
        message=message,
        context={
            "error_type": event.error_type,
            "code": event.code,
            "debug_message": event.debug_message,
            "details": event.details,
        }
        | event.other,
    )
