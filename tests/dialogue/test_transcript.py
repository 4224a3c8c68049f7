from __future__ import annotations

from datetime import UTC, datetime, timedelta

from duologue.dialogue.transcript import Transcript
from duologue.dialogue.values import Message
from duologue.protocol.server_events import AgentResponseCorrectionEvent

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def said(text: str, event_id: int | None = None) -> Message:
    return Message(role="agent", text=text, event_id=event_id)


def heard(text: str, event_id: int | None = None) -> Message:
    return Message(role="user", text=text, event_id=event_id)


def correction(
    text: str, event_id: int | None = None, original: str | None = None
) -> AgentResponseCorrectionEvent:
    return AgentResponseCorrectionEvent(
        original_agent_response=original, corrected_agent_response=text, event_id=event_id
    )


def transcript_of(*messages: Message, limit: int = 100) -> Transcript:
    transcript = Transcript(limit)
    for number, message in enumerate(messages):
        transcript.add(message, 1000.0 * number)
    return transcript


def texts(transcript: Transcript) -> list[str]:
    return [message.text for message in transcript.messages]


def test_a_message_has_its_times() -> None:
    transcript = Transcript()
    transcript.begins(5000.0, AT)
    message = transcript.add(said("Hello."), 6500.0)
    assert message.since_start_ms == 1500.0
    assert message.at == AT + timedelta(seconds=1.5)
    assert transcript.messages == (message,)


def test_what_came_before_the_beginning_came_at_the_beginning() -> None:
    transcript = Transcript()
    transcript.begins(5000.0, AT)
    assert transcript.add(said("Hello."), 4990.0).since_start_ms == 0.0


def test_messages_are_equal_whenever_they_were_said() -> None:
    [first, second] = transcript_of(said("Hello."), said("Hello.")).messages
    assert first == second == said("Hello.")
    assert first.since_start_ms != second.since_start_ms


def test_a_correction_keeps_what_was_generated() -> None:
    transcript = transcript_of(said("One.", 1), said("One, two, three.", 2), heard("Stop.", 3))
    transcript.correct(correction("One,", 2))
    message = transcript.messages[1]
    assert (message.text, message.full_text, message.corrected) == (
        "One,",
        "One, two, three.",
        True,
    )
    assert message.since_start_ms == 1000.0
    assert texts(transcript) == ["One.", "One,", "Stop."]
    assert not transcript.messages[0].corrected


def test_nothing_of_an_answer_may_have_been_heard() -> None:
    transcript = transcript_of(said("One.", 1))
    transcript.correct(correction("", 1))
    assert transcript.messages[0].text == ""
    assert transcript.messages[0].full_text == "One."


def test_of_two_messages_with_one_id_the_later_is_corrected() -> None:
    transcript = transcript_of(said("One.", 1), said("Two, three.", 1))
    transcript.correct(correction("Two", 1))
    assert texts(transcript) == ["One.", "Two"]


def test_a_correction_without_an_id_goes_by_what_was_generated() -> None:
    transcript = transcript_of(said("One."), said("Two."))
    transcript.correct(correction("O", original="One."))
    assert texts(transcript) == ["O", "Two."]
    transcript.correct(correction("T"))
    assert texts(transcript) == ["O", "T"]


def test_a_correction_of_what_is_not_there_changes_nothing() -> None:
    transcript = transcript_of(heard("One.", 1), said("Two.", 2))
    for one in (correction("O", 1), correction("O", 7), correction("O", original="Three.")):
        transcript.correct(one)
    assert texts(transcript) == ["One.", "Two."]


def test_what_the_server_repeats_of_a_written_message_is_that_message() -> None:
    transcript = transcript_of(heard("Hello?"), heard("Hello? ", 4))
    assert transcript.messages == (heard("Hello?", 4),)
    assert transcript.messages[0].since_start_ms == 0.0


def test_what_the_user_says_twice_is_there_twice() -> None:
    spoken = transcript_of(heard("Yes.", 1), heard("Yes.", 2))
    written = transcript_of(heard("Yes."), heard("Yes."))
    answered = transcript_of(heard("Yes."), said("Sure?", 1), heard("Yes.", 2))
    assert [texts(one).count("Yes.") for one in (spoken, written, answered)] == [2, 2, 2]


def test_the_oldest_go_and_are_counted() -> None:
    transcript = transcript_of(*(said(str(number), number) for number in range(10)), limit=4)
    assert texts(transcript) == ["6", "7", "8", "9"]
    assert transcript.dropped == 6
    transcript.correct(correction("?", 2))
    transcript.correct(correction("!", 9))
    assert texts(transcript) == ["6", "7", "8", "!"]
