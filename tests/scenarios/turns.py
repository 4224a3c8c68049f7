"""Scenarios of turns: greeting, answer, interruption, correction, writing."""

from __future__ import annotations

from dataclasses import replace

from duologue.dialogue.values import Message, Mode
from duologue.protocol.client_messages import Pong, UserMessage
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseCorrectionEvent,
    AgentResponseEvent,
    Alignment,
    Attachment,
    AudioEvent,
    InterruptionEvent,
    PingEvent,
    TentativeUserTranscriptEvent,
    UserTranscriptEvent,
)
from tests.scenarios.scenario import Moment, PlayedOut, Scenario, Writes, agent_audio, sound

SPEAKING = ("on_mode_change", Mode.SPEAKING)
LISTENING = ("on_mode_change", Mode.LISTENING)
RATEABLE = ("on_can_send_feedback_change", True)

ALIGNMENT = Alignment(chars=["H"], char_start_times_ms=[0], char_durations_ms=[100])
ATTACHMENT = Attachment(url="https://example.org/a.pdf", name="a.pdf")
TENTATIVE = TentativeUserTranscriptEvent(user_transcript="What is", event_id=2)
CORRECTION = AgentResponseCorrectionEvent(
    original_agent_response="One, two, three.", corrected_agent_response="One", event_id=1
)
PARTS = (
    AgentChatResponsePartEvent(text="", type="start", event_id=1),
    AgentChatResponsePartEvent(text="Hel", type="delta", event_id=1),
    AgentChatResponsePartEvent(text="lo.", type="delta", event_id=1),
    AgentChatResponsePartEvent(text="", type="stop", event_id=1),
)
PINGS = (PingEvent(event_id=4, ping_ms=20), PingEvent(event_id=5))


def said(text: str, event_id: int) -> Moment:
    """The agent's words come as text."""
    event = AgentResponseEvent(agent_response=text, event_id=event_id)
    return Moment(event, (("on_message", Message(role="agent", text=text, event_id=event_id)),))


def asked(text: str, event_id: int) -> Moment:
    """The user's words come as text."""
    event = UserTranscriptEvent(user_transcript=text, event_id=event_id)
    return Moment(event, (("on_message", Message(role="user", text=text, event_id=event_id)),))


HELLO = said("Hello.", 1)
GREETING = (
    Moment(
        sound(1),
        (("on_audio", agent_audio(1)), SPEAKING, RATEABLE),
        room_reports=(SPEAKING,),  # sound without an id is no response that could be rated
    ),
    replace(HELLO, room_reports=(*HELLO.reports, RATEABLE)),
)

ANSWER = Moment(
    AgentResponseEvent(agent_response="Hm.", event_id=1, attachments=[ATTACHMENT]),
    (
        ("on_message", Message(role="agent", text="Hm.", event_id=1, attachments=(ATTACHMENT,))),
        RATEABLE,
    ),
)

SCENARIOS = {
    "a greeting and a turn": Scenario(
        moments=(
            *GREETING,
            Moment(sound(1), (("on_audio", agent_audio(1)),)),
            Moment(PlayedOut((1000, 1000)), (LISTENING,)),
            Moment(TENTATIVE, (("on_tentative_user_transcript", TENTATIVE),)),
            asked("What is it?", 2),
            said("It is a scenario.", 2),
            Moment(sound(2), (("on_audio", agent_audio(2)), SPEAKING)),
            Moment(PlayedOut((2000,)), (LISTENING,)),
        )
    ),
    "an interruption": Scenario(
        moments=(
            *GREETING,
            Moment(
                InterruptionEvent(event_id=3),
                (("on_interruption", InterruptionEvent(event_id=3)), LISTENING),
            ),
            # In a room the agent's own track falls silent; what it says then is no late sound.
            Moment(sound(2), room_reports=(SPEAKING,)),
            Moment(PlayedOut((), in_a_room=(2000,)), room_reports=(LISTENING,)),
            Moment(sound(3), (("on_audio", agent_audio(3)), SPEAKING)),
            Moment(sound(2)),
            Moment(sound(4), (("on_audio", agent_audio(4)),)),
            Moment(PlayedOut((3000, 4000), in_a_room=(3000, 2000, 4000)), (LISTENING,)),
        )
    ),
    "an interruption without an id": Scenario(
        moments=(
            *GREETING,
            Moment(
                '{"type": "interruption"}',
                (("on_interruption", InterruptionEvent()), LISTENING),
            ),
            Moment(PlayedOut(())),
            Moment(sound(1), (("on_audio", agent_audio(1)), SPEAKING)),
            Moment(PlayedOut((1000,)), (LISTENING,)),
        )
    ),
    "an interruption of nothing": Scenario(
        moments=(
            Moment(
                InterruptionEvent(event_id=2),
                (("on_interruption", InterruptionEvent(event_id=2)),),
            ),
            # Late by its id, which it does not have in a room.
            Moment(sound(1), room_reports=(SPEAKING,)),
            Moment(PlayedOut((), in_a_room=(1000,)), room_reports=(LISTENING,)),
        )
    ),
    "a correction": Scenario(
        moments=(*GREETING, Moment(CORRECTION, (("on_agent_response_correction", CORRECTION),)))
    ),
    "captions": Scenario(
        moments=(
            Moment(
                AudioEvent(audio=sound(1).audio, event_id=1, alignment=ALIGNMENT),
                (
                    ("on_audio_alignment", ALIGNMENT),
                    ("on_audio", agent_audio(1)),
                    SPEAKING,
                    RATEABLE,
                ),
                # The captions come as a message, and so before the sound, which rates nothing.
                room_reports=(("on_audio_alignment", ALIGNMENT), SPEAKING),
            ),
        )
    ),
    "sound without a sample": Scenario(moments=(Moment(AudioEvent(audio=b"", event_id=1)), ANSWER)),
    "pings": Scenario(
        moments=tuple(
            Moment(ping, (("on_ping", ping),), (Pong(event_id=ping.event_id),)) for ping in PINGS
        )
    ),
    "a written turn, word by word": Scenario(
        text_only=True,
        moments=(
            Moment(Writes("Hello?"), sends=(UserMessage(text="Hello?"),)),
            *(Moment(part, (("on_agent_chat_response_part", part),)) for part in PARTS),
            ANSWER,
        ),
    ),
    "sound in a written conversation": Scenario(
        text_only=True,
        moments=(
            Moment(sound(1)),
            Moment(InterruptionEvent(), (("on_interruption", InterruptionEvent()),)),
            ANSWER,
        ),
    ),
}
