"""What happens in a conversation, as events of the protocol. Without I/O.

An answer comes from the session in two streams that know nothing of each other: its text, as fast
as the language model writes, and its sound, as fast as it is spoken. Here they become one
response with one event id.

The rules, for a voice conversation:
- `agent_response` holds the whole text and is not sent before the first sound: so it goes out as
  soon as both the first sound has been sent and the text is complete;
- an interruption takes an event id of its own, above the response's; what was not announced yet is
  announced then, as far as it is written, and the correction says what of it was heard;
- an answer that is interrupted before its first sound has never been there;
- `agent_response_complete` is the last event of an answer, with its id.

In a text-only conversation the text itself is the answer: it goes out in parts, and is whole when
it ends, on its own or because the user wrote the next message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from duologue.agent.call.ids import EventIds
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCompleteEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AgentToolRequestEvent,
    AgentToolResponseEvent,
    Alignment,
    AudioEvent,
    ClientToolCallEvent,
    ConversationMetadataEvent,
    ErrorEvent,
    InterruptionEvent,
    PartType,
    PingEvent,
    ServerEvent,
    TentativeUserTranscriptEvent,
    UserTranscriptEvent,
    VadScoreEvent,
)

ALWAYS_SENT = frozenset(
    event.TYPE for event in (ConversationMetadataEvent, ErrorEvent, ClientToolCallEvent)
)
"""Without these a client cannot take part, so `client_events` cannot switch them off."""


@dataclass
class _Response:
    event_id: int
    text: str = ""
    is_text_complete: bool = False
    is_audible: bool = False
    is_announced: bool = False


class Translation:
    """Turns what a session reports into events.

    Args:
        send: takes each event, in order.
        event_ids: the conversation's sequence.
        client_events: the types of events that the client is to get.
        text_only: whether there is no sound.
        first_sent: called when the first sound, or text, of a response is sent.
    """

    def __init__(
        self,
        send: Callable[[ServerEvent], None],
        event_ids: EventIds,
        client_events: Collection[str],
        *,
        text_only: bool,
        first_sent: Callable[[], object],
    ) -> None:
        self._send_event = send
        self._next_id = event_ids
        self._wanted = ALWAYS_SENT | set(client_events)
        if text_only:
            self._wanted |= {AgentChatResponsePartEvent.TYPE}
        self._text_only = text_only
        self._first_sent = first_sent
        self._response: _Response | None = None

    @property
    def is_writing(self) -> bool:
        """Whether an answer has begun and its text goes on."""
        return self._response is not None and not self._response.is_text_complete

    def began(self, conversation_id: str, output_format: str, input_format: str) -> None:
        """The conversation exists."""
        self._send(
            ConversationMetadataEvent(
                conversation_id=conversation_id,
                agent_output_audio_format=output_format,
                user_input_audio_format=input_format,
            )
        )

    def ping(self, event: PingEvent) -> None:
        """A sign of life is due."""
        self._send(event)

    def failed(self, event: ErrorEvent) -> None:
        """Something went wrong."""
        self._send(event)

    def voice_score(self, score: float) -> None:
        """How likely it is that the user is speaking, from 0 to 1."""
        self._send(VadScoreEvent(vad_score=score))

    def user_is_saying(self, text: str) -> None:
        """What the user has said so far."""
        self._send(TentativeUserTranscriptEvent(user_transcript=text, event_id=self._next_id()))

    def user_said(self, text: str) -> None:
        """What the user has said in this turn."""
        self._send(UserTranscriptEvent(user_transcript=text, event_id=self._next_id()))

    def tool_requested(self, name: str, call_id: str, parameters: dict[str, object]) -> None:
        """The agent wants the client to run a tool."""
        event_id = self._tool_event_id()
        self._send(
            AgentToolRequestEvent(
                tool_name=name, tool_call_id=call_id, tool_type="client", event_id=event_id
            )
        )
        self._send(
            ClientToolCallEvent(
                tool_name=name, tool_call_id=call_id, parameters=parameters, event_id=event_id
            )
        )

    def tool_responded(self, name: str, call_id: str, *, is_error: bool) -> None:
        """The client's tool has answered, or has failed to."""
        self._send(
            AgentToolResponseEvent(
                tool_name=name,
                tool_call_id=call_id,
                tool_type="client",
                is_error=is_error,
                is_called=True,
                event_id=self._tool_event_id(),
            )
        )

    def text_written(self, text: str) -> None:
        """The language model wrote more of an answer."""
        response = self._response
        if response is None or response.is_text_complete:
            response = self._begin()
        if not response.text:
            self._send_part(response, "start", "")
            if self._text_only:
                self._first_sent()
        response.text += text
        self._send_part(response, "delta", text)

    def text_complete(self) -> None:
        """The language model has finished an answer, or was stopped."""
        response = self._response
        if response is None or response.is_text_complete:
            return
        response.is_text_complete = True
        self._send_part(response, "stop", "")
        if self._text_only:
            self._announce(response)
            self._end(response)
        elif response.is_audible:
            self._announce(response)

    def text_interrupted(self) -> None:
        """The user's next message has ended a text-only answer; what was written of it stays."""
        self._send(InterruptionEvent(event_id=self._next_id()))

    def voice_chunk(self, audio: bytes, alignment: Alignment | None) -> None:
        """A piece of sound goes out now."""
        response = self._response or self._begin()
        self._send(AudioEvent(audio=audio, event_id=response.event_id, alignment=alignment))

    def voice_started(self) -> None:
        """The first sound of an answer has gone out."""
        response = self._response or self._begin()
        response.is_audible = True
        self._first_sent()
        if response.is_text_complete:
            self._announce(response)

    def voice_interrupted(self) -> str:
        """The user interrupts what is being said; returns it as far as it is written."""
        response = self._response
        if response is None:
            return ""
        if response.is_audible:
            self._send(InterruptionEvent(event_id=self._next_id()))
        if not response.is_text_complete:
            self._send_part(response, "stop", "")
            response.is_text_complete = True
        if response.is_audible:
            self._announce(response)
        else:
            self._response = None
        return response.text

    def voice_heard(self, heard: str) -> None:
        """After an interruption: what of the answer had been heard."""
        response, self._response = self._response, None
        if response is None or not response.is_audible:
            return
        original = response.text.strip()
        if heard != original:
            self._send(
                AgentResponseCorrectionEvent(
                    original_agent_response=original,
                    corrected_agent_response=heard,
                    event_id=response.event_id,
                )
            )
        self._end(response)

    def voice_finished(self) -> None:
        """An answer has been heard to its end."""
        response = self._response
        if response is not None:
            self._announce(response)
            self._end(response)

    def _tool_event_id(self) -> int:
        """That of the response which the tool belongs to, if it has begun."""
        return self._response.event_id if self._response else self._next_id()

    def _begin(self) -> _Response:
        self._response = _Response(self._next_id())
        return self._response

    def _end(self, response: _Response) -> None:
        """Nothing of a response is to come."""
        self._response = None
        self._send(AgentResponseCompleteEvent(data={"event_id": response.event_id}))

    def _announce(self, response: _Response) -> None:
        text = response.text.strip()
        if text and not response.is_announced:
            response.is_announced = True
            self._send(AgentResponseEvent(agent_response=text, event_id=response.event_id))

    def _send_part(self, response: _Response, part: PartType, text: str) -> None:
        self._send(AgentChatResponsePartEvent(text=text, type=part, event_id=response.event_id))

    def _send(self, event: ServerEvent) -> None:
        if event.TYPE in self._wanted:
            self._send_event(event)
