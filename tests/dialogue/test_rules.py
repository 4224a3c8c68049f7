from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from duologue.dialogue.ending import FAREWELL_LIMIT_MS
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.tools.approvals import Approvals
from duologue.dialogue.tools.calls import ToolCalls, returned
from duologue.dialogue.tools.registry import checked_tools
from duologue.dialogue.values import AgentAudio, ErrorReport, Message, Mode
from duologue.protocol.client_messages import ClientToolResult, Feedback, Pong
from duologue.protocol.codec import MalformedEvent, UnknownEvent
from duologue.protocol.formats import AudioFormat
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    AgentToolResponseEvent,
    Alignment,
    Attachment,
    AudioEvent,
    ClientToolCallEvent,
    ErrorEvent,
    GuardrailTriggeredEvent,
    InternalTurnProbabilityEvent,
    InterruptionEvent,
    McpToolCallEvent,
    PingEvent,
    ServerEvent,
    UserTranscriptEvent,
)

A = TypeVar("A")

PCM = AudioFormat("pcm", 16_000)
ULAW = AudioFormat("ulaw", 8000)
END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=1,
)


def sound(event_id: int, pcm: bytes = b"\x01\x00" * 10) -> AudioEvent:
    return AudioEvent(audio=pcm, event_id=event_id)


def of_type(actions: list[Action], kind: type[A]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def reported(actions: list[Action]) -> list[str]:
    return [report.callback for report in of_type(actions, Report)]


def test_a_ping_is_answered_before_it_is_reported() -> None:
    ping = PingEvent(event_id=4, ping_ms=20)
    assert Dialogue(PCM).receive(ping, 0.0) == [
        Send(Pong(event_id=4)),
        Report.of("on_ping", ping),
    ]


def test_sound_is_played_then_reported_and_the_agent_speaks() -> None:
    dialogue = Dialogue(PCM)
    audio = AgentAudio(pcm=b"\x01\x00" * 10, format=PCM, event_id=1)
    assert dialogue.receive(sound(1), 0.0) == [
        Play(audio),
        Report.of("on_audio", audio),
        Report.of("on_mode_change", Mode.SPEAKING),
        Report.of("on_can_send_feedback_change", True),
    ]
    assert dialogue.mode is Mode.SPEAKING


def test_more_sound_changes_the_mode_no_more() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    assert reported(dialogue.receive(sound(1), 0.0)) == ["on_audio"]


def test_captions_are_reported_before_the_sound_they_belong_to() -> None:
    alignment = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[5])
    event = AudioEvent(audio=b"\x00\x00", event_id=1, alignment=alignment)
    assert reported(Dialogue(PCM).receive(event, 0.0))[:2] == ["on_audio_alignment", "on_audio"]


def test_sound_of_an_interrupted_turn_is_neither_played_nor_reported() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(InterruptionEvent(event_id=5), 0.0)
    alignment = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[5])
    stale = AudioEvent(audio=b"\x00\x00", event_id=4, alignment=alignment)
    assert dialogue.receive(stale, 0.0) == []
    assert of_type(dialogue.receive(sound(5), 0.0), Play)


def test_sound_that_comes_too_late_is_counted() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    dialogue.receive(InterruptionEvent(event_id=5), 0.0)
    for event_id in (3, 4, 5):
        dialogue.receive(sound(event_id), 0.0)
    assert dialogue.late_audio_events == 2


def test_what_is_heard_follows_what_is_played_of_the_sound_that_was_accepted() -> None:
    dialogue = Dialogue(PCM)
    second = b"\x01\x00" * 16_000
    alignment = Alignment(
        chars=["n", "o"], char_start_times_ms=[0, 500], char_durations_ms=[500, 500]
    )
    dialogue.receive(AgentResponseEvent(agent_response="Yes.", event_id=1), 0.0)
    dialogue.receive(sound(1, second), 0.0)
    assert dialogue.heard.until_now(lambda event_id: 500.0) == "Ye"
    dialogue.receive(InterruptionEvent(event_id=2), 0.0)
    dialogue.receive(AudioEvent(audio=second, event_id=1, alignment=alignment), 0.0)
    assert dialogue.heard.until_now(lambda event_id: 500.0) == "Ye"
    dialogue.receive(AudioEvent(audio=second, event_id=2, alignment=alignment), 0.0)
    assert dialogue.heard.until_now(lambda event_id: 500.0) == "n"


def test_an_interruption_silences_before_it_is_reported() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    interruption = InterruptionEvent(event_id=2)
    assert dialogue.receive(interruption, 0.0) == [
        Silence(),
        Report.of("on_interruption", interruption),
        Report.of("on_mode_change", Mode.LISTENING),
    ]


def test_the_fade_of_what_was_interrupted_is_not_the_agent_speaking() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    dialogue.receive(InterruptionEvent(event_id=2), 0.0)
    assert dialogue.playback_changed(playing=True, now_ms=0.0) == []
    assert dialogue.playback_changed(playing=False, now_ms=0.0) == []
    assert dialogue.mode is Mode.LISTENING


def test_the_agent_listens_once_everything_was_heard() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    assert dialogue.playback_changed(playing=True, now_ms=0.0) == []
    assert reported(dialogue.playback_changed(playing=False, now_ms=0.0)) == ["on_mode_change"]
    assert dialogue.mode is Mode.LISTENING


def test_after_the_end_the_agent_is_not_heard_and_that_is_told_once() -> None:
    dialogue = Dialogue(PCM)
    assert "on_mode_change" in reported(dialogue.receive(sound(1), 0.0))
    assert dialogue.over() == [
        Report.of("on_mode_change", Mode.LISTENING),
        Report.of("on_can_send_feedback_change", False),
    ]
    assert dialogue.over() == []
    assert dialogue.playback_changed(playing=True, now_ms=0.0) == []
    assert dialogue.mode is Mode.LISTENING


@pytest.mark.parametrize("data", [b"", b"\x00"])
def test_sound_without_a_sample_is_nothing(data: bytes) -> None:
    dialogue = Dialogue(PCM)
    assert dialogue.receive(sound(1, data), 0.0) == []
    assert dialogue.mode is Mode.LISTENING


def test_half_a_sample_at_the_end_is_dropped() -> None:
    [play] = of_type(Dialogue(PCM).receive(sound(1, b"\x01\x00\x02"), 0.0), Play)
    assert play.audio.pcm == b"\x01\x00"


def test_telephone_sound_becomes_samples() -> None:
    [play] = of_type(Dialogue(ULAW).receive(sound(1, b"\xff\x00"), 0.0), Play)
    assert np.frombuffer(play.audio.pcm, "<i2").tolist() == [0, -32124]
    assert play.audio.format is ULAW


def test_a_written_conversation_has_no_use_for_sound() -> None:
    dialogue = Dialogue(None)
    assert dialogue.receive(sound(1), 0.0) == []
    assert dialogue.mode is Mode.LISTENING


def test_words_of_both_sides_become_messages_and_the_transcript() -> None:
    dialogue = Dialogue(PCM)
    attachment = Attachment(url="https://example.org/a.pdf", name="a.pdf")
    heard = dialogue.receive(UserTranscriptEvent(user_transcript="Hello?", event_id=1), 0.0)
    said = dialogue.receive(
        AgentResponseEvent(agent_response="Hello.", event_id=2, attachments=[attachment]), 0.0
    )
    assert list(dialogue.transcript.messages) == [
        Message(role="user", text="Hello?", event_id=1),
        Message(role="agent", text="Hello.", event_id=2, attachments=(attachment,)),
    ]
    assert [*heard, *said] == [
        *[Report.of("on_message", message) for message in dialogue.transcript.messages],
        Report.of("on_can_send_feedback_change", True),
    ]


def test_a_correction_is_reported_as_it_is() -> None:
    correction = AgentResponseCorrectionEvent(
        original_agent_response="One, two.", corrected_agent_response="One", event_id=2
    )
    assert Dialogue(PCM).receive(correction, 0.0) == [
        Report.of("on_agent_response_correction", correction)
    ]


def test_an_event_without_fields_calls_its_callback_without_an_argument() -> None:
    assert Dialogue(PCM).receive(GuardrailTriggeredEvent(), 0.0) == [
        Report.of("on_guardrail_triggered")
    ]


@pytest.mark.parametrize(
    "event",
    [
        UnknownEvent(type="news", data={}),
        MalformedEvent(reason="no JSON", frame="{"),
        InternalTurnProbabilityEvent(turn_probability=0.5),
    ],
)
def test_what_has_no_callback_of_its_own_goes_to_debug(event: Any) -> None:
    assert Dialogue(PCM).receive(event, 0.0) == [Report.of("on_debug", event)]


def test_a_call_of_a_tool_that_makes_no_sense_is_told_and_answered() -> None:
    event = MalformedEvent(reason="no object", frame="{", tool_call_id="call_1")
    actions = Dialogue(PCM).receive(event, 0.0)
    assert reported(actions) == ["on_debug", "on_error"]
    [send] = of_type(actions, Send)
    assert isinstance(send.message, ClientToolResult)
    assert (send.message.tool_call_id, send.message.is_error) == ("call_1", True)


def mcp_call(state: Any) -> McpToolCallEvent:
    return McpToolCallEvent(
        service_id="files",
        tool_call_id="call_1",
        tool_name="delete",
        parameters={},
        timestamp="2025-01-01T00:00:00Z",
        state=state,
        approval_timeout_secs=2,
    )


@pytest.mark.parametrize("state", ["loading", "awaiting_approval", "success", "failure"])
def test_a_call_of_an_mcp_tool_is_told_before_anything_follows(state: str) -> None:
    dialogue = Dialogue(PCM, approvals=Approvals(lambda event: True))
    event = mcp_call(state)
    first, *others = dialogue.receive(event, 0.0)
    assert first == Report.of("on_mcp_tool_call", event)
    assert [type(other) for other in others] == (
        [RequestApproval] if state == "awaiting_approval" else []
    )


def test_a_call_that_goes_on_is_told_before_its_handler_is_cancelled() -> None:
    dialogue = Dialogue(PCM, approvals=Approvals(lambda event: True))
    dialogue.receive(mcp_call("awaiting_approval"), 0.0)
    event = mcp_call("failure")
    assert dialogue.receive(event, 0.0) == [
        Report.of("on_mcp_tool_call", event),
        CancelApproval("call_1"),
    ]


def test_the_next_deadline_is_that_of_an_approval_or_of_the_end() -> None:
    dialogue = Dialogue(PCM, approvals=Approvals(lambda event: True))
    assert dialogue.next_deadline_ms is None
    dialogue.receive(mcp_call("awaiting_approval"), 1000)
    assert dialogue.next_deadline_ms == 3000
    assert reported(dialogue.tick(3000)) == ["on_error"]
    assert dialogue.next_deadline_ms is None
    dialogue.receive(sound(1), 4000)
    dialogue.receive(END_CALL, 4000)
    assert dialogue.next_deadline_ms == 4000 + FAREWELL_LIMIT_MS


def test_an_error_is_reported_with_what_the_server_says() -> None:
    [report] = of_type(
        Dialogue(PCM).receive(ErrorEvent(code=1011, message="no model", error_type="llm"), 0.0),
        Report,
    )
    assert report.callback == "on_error"
    [error] = report.arguments
    assert str(error) == "no model"
    assert vars(error)["context"]["code"] == 1011


def test_what_an_error_says_in_an_odd_way_is_in_its_context() -> None:
    event = ErrorEvent(message="m", other={"error_type": {"name": "quota"}, "status": 429})
    [report] = of_type(Dialogue(PCM).receive(event, 0.0), Report)
    [told] = report.arguments
    assert isinstance(told, ErrorReport)
    assert told.context["error_type"] == {"name": "quota"}
    assert told.context["status"] == 429


def test_an_error_without_a_word_still_has_a_message() -> None:
    [report] = of_type(Dialogue(PCM).receive(ErrorEvent(), 0.0), Report)
    assert str(report.arguments[0]) == "the server reported an error"


def test_the_longest_duration_ends_and_is_no_error_of_its_own() -> None:
    actions = Dialogue(PCM).receive(ErrorEvent(error_type="max_duration_exceeded"), 0.0)
    assert [type(action) for action in actions] == [End]


def test_a_tool_that_nobody_has_is_answered_so_that_the_agent_goes_on() -> None:
    call = ClientToolCallEvent(
        tool_name="weather", tool_call_id="call_1", parameters={}, event_id=1
    )
    actions = Dialogue(PCM).receive(call, 0.0)
    [send] = of_type(actions, Send)
    assert send.message == ClientToolResult(
        tool_call_id="call_1", result="this client has no tool named 'weather'", is_error=True
    )
    assert reported(actions) == ["on_error"]


def test_a_response_can_be_rated_by_its_text_or_its_sound_whichever_comes_first() -> None:
    dialogue = Dialogue(PCM)
    response = AgentResponseEvent(agent_response="Hello.", event_id=3)
    assert "on_can_send_feedback_change" in reported(dialogue.receive(sound(3), 0.0))
    assert reported(dialogue.receive(response, 0.0)) == ["on_message"]
    assert dialogue.ratings.message(True, None).event_id == 3


def test_sound_that_is_not_heard_is_no_response_to_rate() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(InterruptionEvent(event_id=5), 0.0)
    dialogue.receive(sound(4), 0.0)
    assert not dialogue.ratings.available


def test_hanging_up_is_reported_and_then_ends() -> None:
    actions = Dialogue(PCM).receive(END_CALL, 0.0)
    assert [type(action) for action in actions] == [Report, End]


def test_hanging_up_lets_queued_sound_be_heard() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    assert not of_type(dialogue.receive(END_CALL, 0.0), End)
    assert dialogue.next_deadline_ms == FAREWELL_LIMIT_MS
    assert of_type(dialogue.playback_changed(playing=False, now_ms=0.0), End)


def test_last_words_that_never_end_are_cut_off() -> None:
    dialogue = Dialogue(PCM)
    dialogue.receive(sound(1), 0.0)
    dialogue.receive(END_CALL, 0.0)
    assert of_type(dialogue.tick(FAREWELL_LIMIT_MS), End)


def test_a_spoken_turn_is_reported_when_its_answer_is_heard() -> None:
    dialogue = Dialogue(PCM)
    dialogue.user_voiced(100.0)
    dialogue.receive(UserTranscriptEvent(user_transcript="Hello?", event_id=1), 300.0)
    dialogue.receive(sound(1), 500.0)
    assert reported(dialogue.became_audible(600.0)) == ["on_turn_metrics"]
    assert [metrics.latency_ms for metrics in dialogue.turn_metrics] == [500.0]


def test_a_written_turn_begins_with_text_and_not_with_its_announcement() -> None:
    dialogue = Dialogue(None)
    dialogue.user_wrote("Hi.", 100.0)
    start = AgentChatResponsePartEvent(text="", type="start", event_id=1)
    delta = AgentChatResponsePartEvent(text="Hello", type="delta", event_id=1)
    assert reported(dialogue.receive(start, 150.0)) == ["on_agent_chat_response_part"]
    assert reported(dialogue.receive(delta, 200.0)) == [
        "on_agent_chat_response_part",
        "on_turn_metrics",
    ]
    assert dialogue.turn_metrics[0].first_text_ms == 100.0


EVENT_IDS = st.integers(0, 6)
EVENTS: st.SearchStrategy[ServerEvent] = st.one_of(
    st.builds(PingEvent, event_id=st.integers(0, 1000)),
    st.builds(sound, EVENT_IDS, st.binary(max_size=5)),
    st.builds(InterruptionEvent, event_id=EVENT_IDS | st.none()),
    st.builds(UserTranscriptEvent, user_transcript=st.text(max_size=3), event_id=EVENT_IDS),
    st.builds(AgentResponseEvent, agent_response=st.text(max_size=3), event_id=EVENT_IDS),
    st.just(END_CALL),
    st.builds(ErrorEvent, error_type=st.sampled_from([None, "max_duration_exceeded"])),
    st.builds(
        ClientToolCallEvent,
        tool_name=st.sampled_from(["get_time", "unknown"]),
        tool_call_id=st.sampled_from(["call_1", "call_2"]),
        parameters=st.sampled_from([{}, {"zone": "CET"}, {"zone": 1}]),
        event_id=EVENT_IDS,
    ),
)
PLAYBACK = st.booleans()
RATINGS = st.builds(Feedback, event_id=EVENT_IDS, score=st.sampled_from(["like", None]))
HAPPENINGS = st.lists(EVENTS | PLAYBACK | RATINGS, max_size=60)
FORMATS = st.sampled_from([PCM, ULAW, None])


TOOL_CALLS = ToolCalls(checked_tools({"get_time": lambda zone="UTC": zone}))


def followed(dialogue: Dialogue, happening: ServerEvent | bool | Feedback) -> list[Action]:
    """What follows, the answer of a tool that is called included."""
    if isinstance(happening, bool):
        return dialogue.playback_changed(playing=happening, now_ms=0.0)
    if isinstance(happening, Feedback):
        dialogue.ratings.sent(happening)
        return [*dialogue.ratings.changes()]
    actions = dialogue.receive(happening, 0.0)
    answers = [returned(call.event, "noon") for call in of_type(actions, CallTool)]
    return [*actions, *(action for answer in answers for action in answer)]


@given(HAPPENINGS, FORMATS)
def test_every_ping_and_every_tool_call_is_answered_exactly_once(
    happenings: list[ServerEvent | bool | Feedback], output_format: AudioFormat | None
) -> None:
    dialogue = Dialogue(output_format, TOOL_CALLS)
    for happening in happenings:
        answers = [send.message for send in of_type(followed(dialogue, happening), Send)]
        match happening:
            case PingEvent(event_id=event_id):
                assert answers == [Pong(event_id=event_id)]
            case ClientToolCallEvent(tool_call_id=tool_call_id):
                [answer] = answers
                assert isinstance(answer, ClientToolResult)
                assert answer.tool_call_id == tool_call_id
            case _:
                assert answers == []


@given(HAPPENINGS, FORMATS)
def test_whether_feedback_can_be_sent_is_reported_as_it_changes(
    happenings: list[ServerEvent | bool | Feedback], output_format: AudioFormat | None
) -> None:
    dialogue = Dialogue(output_format, TOOL_CALLS)
    reports = [False]
    for happening in happenings:
        reports += [
            bool(report.arguments[0])
            for report in of_type(followed(dialogue, happening), Report)
            if report.callback == "on_can_send_feedback_change"
        ]
        assert reports[-1] is dialogue.ratings.available
    reports += [bool(report.arguments[0]) for report in dialogue.ratings.close()]
    assert all(one != next_one for one, next_one in pairwise(reports))
    assert reports[-1] is False


@given(st.lists(EVENTS | PLAYBACK, max_size=60), FORMATS)
def test_the_rules_hold_whatever_happens(
    happenings: list[ServerEvent | bool], output_format: AudioFormat | None
) -> None:
    dialogue = Dialogue(output_format)
    interrupted_by = 0
    modes = [dialogue.mode]
    for now_ms, happening in enumerate(happenings):
        if isinstance(happening, bool):
            actions = dialogue.playback_changed(playing=happening, now_ms=0.0)
        else:
            actions = dialogue.receive(happening, float(now_ms))
        if isinstance(happening, InterruptionEvent):
            interrupted_by = interrupted_by if happening.event_id is None else happening.event_id
            assert dialogue.mode is Mode.LISTENING
        if isinstance(happening, PingEvent):
            assert actions[0] == Send(Pong(event_id=happening.event_id))
        for play in of_type(actions, Play):
            assert output_format is not None
            assert play.audio.event_id is not None
            assert play.audio.event_id >= interrupted_by
            assert len(play.audio.pcm) % 2 == 0
        assert len(of_type(actions, End)) <= 1
        assert not of_type(actions[:-1], End), "nothing follows the end"
        modes += [
            Mode(str(report.arguments[0]))
            for report in of_type(actions, Report)
            if report.callback == "on_mode_change"
        ]
    assert all(one != next_one for one, next_one in pairwise(modes))
    assert modes[-1] is dialogue.mode
    if output_format is None:
        assert modes == [Mode.LISTENING]
