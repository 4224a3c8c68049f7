"""From what a session reports to the events of the protocol, in plain values."""

from __future__ import annotations

from typing import Any

import msgspec

from duologue.agent.call.ids import new_event_ids
from duologue.agent.call.translation import Translation
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AudioEvent,
    ErrorEvent,
    InterruptionEvent,
    ServerEvent,
    UserTranscriptEvent,
)

SPOKEN = ("audio", "agent_response", "agent_response_correction", "interruption", "user_transcript")


class Told:
    """A translation, and what it sent."""

    def __init__(self, *client_events: str, text_only: bool = False) -> None:
        self.events: list[ServerEvent] = []
        self.first_sent = 0
        self.translation = Translation(
            self.events.append,
            new_event_ids(),
            client_events or SPOKEN,
            text_only=text_only,
            first_sent=self._count,
        )

    def shown(self) -> list[tuple[Any, ...]]:
        """The events as tuples: the type, then the fields that are not None."""
        return [
            (event.TYPE, *(field for field in msgspec.structs.astuple(event) if field is not None))
            for event in self.events
        ]

    def _count(self) -> None:
        self.first_sent += 1


def test_a_response_is_told_after_its_first_sound_with_its_whole_text() -> None:
    told = Told()
    told.translation.text_written("Hello ")
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    told.translation.text_written("there.")
    told.translation.voice_chunk(b"2", None)
    told.translation.text_complete()
    told.translation.voice_finished()
    assert told.events == [
        AudioEvent(audio=b"1", event_id=1),
        AudioEvent(audio=b"2", event_id=1),
        AgentResponseEvent(agent_response="Hello there.", event_id=1),
    ]
    assert told.first_sent == 1


def test_text_that_is_complete_waits_for_the_first_sound() -> None:
    told = Told()
    told.translation.text_written("Hello.")
    told.translation.text_complete()
    assert told.events == []
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    assert [event.TYPE for event in told.events] == ["audio", "agent_response"]


def test_sound_may_come_before_its_text() -> None:
    told = Told()
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    told.translation.text_written("Hello.")
    told.translation.text_complete()
    assert told.events[-1] == AgentResponseEvent(agent_response="Hello.", event_id=1)


def test_an_interruption_is_told_first_then_what_was_written_then_what_was_heard() -> None:
    told = Told()
    told.translation.text_written("One two three ")
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    assert told.translation.voice_interrupted() == "One two three "
    told.translation.voice_heard("One")
    told.translation.text_complete()
    assert told.events[1:] == [
        InterruptionEvent(event_id=2),
        AgentResponseEvent(agent_response="One two three", event_id=1),
        AgentResponseCorrectionEvent(
            original_agent_response="One two three", corrected_agent_response="One", event_id=1
        ),
    ]


def test_what_was_heard_to_its_end_needs_no_correction() -> None:
    told = Told()
    told.translation.text_written("One.")
    told.translation.text_complete()
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    told.translation.voice_interrupted()
    told.translation.voice_heard("One.")
    assert [event.TYPE for event in told.events] == ["audio", "agent_response", "interruption"]


def test_an_answer_that_was_interrupted_before_its_first_sound_was_never_there() -> None:
    told = Told()
    told.translation.text_written("Never ")
    told.translation.voice_interrupted()
    told.translation.text_complete()
    told.translation.text_written("Instead.")
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    told.translation.text_complete()
    assert [event.TYPE for event in told.events] == ["audio", "agent_response"]
    assert told.events[-1] == AgentResponseEvent(agent_response="Instead.", event_id=2)


def test_an_interruption_lies_between_the_response_before_and_the_one_after() -> None:
    told = Told()
    told.translation.voice_chunk(b"1", None)
    told.translation.voice_started()
    told.translation.voice_interrupted()
    told.translation.voice_heard("")
    told.translation.user_said("Stop.")
    told.translation.voice_chunk(b"2", None)
    before, interruption, transcript, after = told.events
    assert isinstance(before, AudioEvent)
    assert isinstance(interruption, InterruptionEvent)
    assert isinstance(transcript, UserTranscriptEvent)
    assert isinstance(after, AudioEvent)
    ids = [event.event_id for event in (before, interruption, transcript, after)]
    assert ids == sorted({one for one in ids if one is not None})


def test_text_only_answers_come_in_parts_and_then_whole() -> None:
    told = Told("agent_response", text_only=True)
    told.translation.text_written("One ")
    told.translation.text_written("two.")
    told.translation.text_complete()
    assert told.events == [
        AgentChatResponsePartEvent(text="", type="start", event_id=1),
        AgentChatResponsePartEvent(text="One ", type="delta", event_id=1),
        AgentChatResponsePartEvent(text="two.", type="delta", event_id=1),
        AgentChatResponsePartEvent(text="", type="stop", event_id=1),
        AgentResponseEvent(agent_response="One two.", event_id=1),
    ]
    assert told.first_sent == 1


def test_an_answer_without_words_is_no_response() -> None:
    told = Told(text_only=True)
    told.translation.text_complete()
    assert told.events == []


def test_a_voice_conversation_has_parts_only_if_they_are_wanted() -> None:
    told = Told("audio")
    told.translation.text_written("One.")
    assert told.events == []
    told = Told("agent_chat_response_part")
    told.translation.text_written("One.")
    assert [event.TYPE for event in told.events] == ["agent_chat_response_part"] * 2


def test_errors_and_tool_calls_cannot_be_switched_off() -> None:
    told = Told("audio")
    told.translation.failed(ErrorEvent(code=1002))
    told.translation.tool_requested("light", "call_1", {"on": True})
    told.translation.tool_responded("light", "call_1", is_error=False)
    assert [event.TYPE for event in told.events] == ["error", "client_tool_call"]


def test_a_tool_is_announced_called_and_reported_where_that_is_wanted() -> None:
    told = Told("agent_tool_request", "agent_tool_response")
    told.translation.tool_requested("light", "call_1", {"on": True})
    told.translation.tool_responded("light", "call_1", is_error=True)
    assert told.shown() == [
        ("agent_tool_request", "light", "call_1", "client", 1),
        ("client_tool_call", "light", "call_1", {"on": True}, 1),
        ("agent_tool_response", "light", "call_1", "client", True, True, 2),
    ]


def test_tentative_transcripts_and_scores_are_told() -> None:
    told = Told("tentative_user_transcript", "vad_score")
    told.translation.user_is_saying("Hel")
    told.translation.voice_score(0.5)
    assert told.shown() == [("tentative_user_transcript", "Hel", 1), ("vad_score", 0.5)]


def test_the_end_of_an_answer_is_told_last_where_that_is_wanted() -> None:
    told = Told(*SPOKEN, "agent_response_complete")
    told.translation.text_written("Hello.")
    told.translation.voice_started()
    told.translation.text_complete()
    told.translation.voice_finished()
    told.translation.text_written("One, two.")
    told.translation.voice_started()
    told.translation.voice_interrupted()
    told.translation.voice_heard("One")
    told.translation.text_written("Never heard.")
    told.translation.voice_interrupted()
    told.translation.voice_heard("")
    assert told.shown() == [
        ("agent_response", "Hello.", 1),
        ("agent_response_complete", {"event_id": 1}),
        ("interruption", 3),
        ("agent_response", "One, two.", 2),
        ("agent_response_correction", "One, two.", "One", 2),
        ("agent_response_complete", {"event_id": 2}),
    ]


def test_the_end_of_a_written_answer_is_told_after_its_text() -> None:
    told = Told("agent_response", "agent_response_complete", text_only=True)
    told.translation.text_written("Hello.")
    told.translation.text_complete()
    assert [event.TYPE for event in told.events][-2:] == [
        "agent_response",
        "agent_response_complete",
    ]
