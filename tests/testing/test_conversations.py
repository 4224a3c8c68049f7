"""Whole conversations in memory, by a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue import (
    Conversation,
    Disconnection,
    Mode,
    SessionConnectionError,
    TurnMetrics,
    VoiceConversation,
)
from duologue.audio import Samples, WavSource, samples_from_bytes
from duologue.conversation.sound.flow import HICCUP_S
from duologue.dialogue.answers import SOUND_SETTLES_MS
from duologue.protocol.client_messages import UserAudioChunk, UserMessage
from duologue.protocol.server_events import (
    AgentResponseCompleteEvent,
    AgentResponseEvent,
    AgentToolResponseEvent,
    AudioEvent,
    UserTranscriptEvent,
)
from duologue.testing import (
    Begin,
    Close,
    Expect,
    Listen,
    MemoryAgent,
    MemoryMicrophone,
    MemorySpeaker,
    Say,
    Step,
    VirtualClock,
    Wait,
)

RATE_HZ = 16_000
SECOND = (8000 * np.sin(2 * np.pi * 220 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16)
END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=1,
)


def speaks(event_id: int, seconds: int = 1) -> Say:
    return Say(AudioEvent(audio=np.tile(SECOND, seconds).tobytes(), event_id=event_id))


@dataclass(frozen=True)
class Course:
    """How a conversation went; times are in seconds."""

    modes: list[tuple[float, Mode]]
    metrics: tuple[TurnMetrics, ...]
    heard: bytes
    chunks_received: int
    disconnection: Disconnection
    ended_s: float


def course(steps: Sequence[Step], questions_at_s: Sequence[float] = ()) -> Course:
    """Hold a conversation by voice, in which the user speaks for a second at these times."""
    clock = VirtualClock()
    microphone, speaker = MemoryMicrophone(pace=clock), MemorySpeaker(pace=clock)
    modes: list[tuple[float, Mode]] = []
    spoken_s = 0.0
    for at_s in questions_at_s:
        microphone.feed(np.zeros(round((at_s - spoken_s) * RATE_HZ), np.int16))
        microphone.feed(SECOND)
        spoken_s = at_s + 1

    async def converse() -> Course:
        async with (
            MemoryAgent(steps) as agent,
            Conversation.start_session(
                agent_id="any",
                origin=agent.origin,
                microphone=microphone,
                speaker=speaker,
                on_mode_change=lambda mode: modes.append((round(clock.now(), 3), mode)),
            ) as conversation,
        ):
            disconnection = await conversation.wait_until_ended()
        chunks = [one for one in agent.calls[0].received if isinstance(one, UserAudioChunk)]
        return Course(
            modes=modes,
            metrics=conversation.turn_metrics,
            heard=speaker.heard().tobytes(),
            chunks_received=len(chunks),
            disconnection=disconnection,
            ended_s=clock.now(),
        )

    return clock.run(converse())


def a_minute() -> Course:
    """Ten turns of 6 s: the user speaks for a second, and is answered a second later."""
    steps: list[Step] = [Begin()]
    for turn in range(1, 11):
        steps += [
            Wait(2),
            Say(UserTranscriptEvent(user_transcript="And?", event_id=turn)),
            Say(AgentResponseEvent(agent_response="Well.", event_id=turn)),
            speaks(turn),
            Wait(4),
        ]
    return course(steps, questions_at_s=range(0, 60, 6))


def test_a_minute_by_voice_goes_by_the_clock() -> None:
    minute = a_minute()
    assert minute.ended_s == pytest.approx(60, abs=0.02)
    assert minute.disconnection.reason == "agent"
    assert minute.chunks_received == pytest.approx(60 * 50, abs=1)
    assert len(minute.heard) / 2 / RATE_HZ == pytest.approx(60, abs=0.02)
    assert [mode for _, mode in minute.modes] == [Mode.SPEAKING, Mode.LISTENING] * 10
    speaking_s = [at_s for at_s, mode in minute.modes if mode is Mode.SPEAKING]
    assert speaking_s == pytest.approx(range(2, 62, 6), abs=0.02)


@pytest.mark.parametrize(
    ("kind", "subtype"), [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16"), ("WAV", "ULAW")]
)
def test_a_file_of_another_kind_may_be_the_microphone(
    kind: str, subtype: str, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "voice", np.tile(SECOND, 2), RATE_HZ, format=kind, subtype=subtype)
    clock = VirtualClock()

    async def heard() -> Samples:
        async with (
            MemoryAgent([Begin(), Wait(2), Close()]) as agent,
            Conversation.start_session(
                agent_id="any",
                origin=agent.origin,
                microphone=WavSource(tmp_path / "voice", pace=clock),
                speaker=MemorySpeaker(pace=clock),
            ) as conversation,
        ):
            await conversation.wait_until_ended()
        chunks = [one for one in agent.calls[0].received if isinstance(one, UserAudioChunk)]
        return samples_from_bytes(b"".join(chunk.audio for chunk in chunks))

    said = clock.run(heard())
    middle = said[RATE_HZ // 2 : RATE_HZ * 3 // 2].astype(int)
    assert np.abs(middle).max() == pytest.approx(8000, rel=0.1)
    assert int(np.abs(np.fft.rfft(middle)).argmax()) == 220


def test_the_times_of_turns_are_those_of_the_clock() -> None:
    metrics = a_minute().metrics
    assert [turn.event_id for turn in metrics] == list(range(1, 11))
    # The user has finished after 1 s of 6 s, and the agent is heard after 2 s, to a block or two.
    assert [turn.audible_ms for turn in metrics] == pytest.approx([1000] * 10, abs=40)


def test_a_conversation_is_the_same_every_time() -> None:
    assert a_minute() == a_minute()


def test_last_words_that_are_too_long_are_cut_off_after_their_limit() -> None:
    steps = [Begin(), Wait(1), speaks(1, seconds=40), Say(END_CALL), Listen()]
    farewell = course(steps)
    assert farewell.disconnection.context["type"] == "end_call"
    assert farewell.ended_s == pytest.approx(31, abs=0.02)


def test_last_words_are_heard_out() -> None:
    farewell = course([Begin(), Wait(1), speaks(1, seconds=2), Say(END_CALL), Listen()])
    assert farewell.disconnection.context["type"] == "end_call"
    assert farewell.ended_s == pytest.approx(3 + HICCUP_S, abs=0.03)


@pytest.mark.parametrize(("seconds", "heard_s"), [(2, 2.0), (40, 30.0)])
def test_last_words_are_heard_out_though_the_server_closes_right_after_them(
    seconds: int, heard_s: float
) -> None:
    farewell = course([Begin(), Wait(1), speaks(1, seconds=seconds), Close(1000, "bye")])
    assert (farewell.disconnection.reason, farewell.disconnection.close_code) == ("agent", 1000)
    heard = np.frombuffer(farewell.heard, np.int16)
    assert np.count_nonzero(heard) / RATE_HZ == pytest.approx(heard_s, abs=0.1)
    assert farewell.ended_s == pytest.approx(1 + heard_s, abs=HICCUP_S + 0.05)


def test_a_close_with_an_error_is_silent_at_once() -> None:
    farewell = course([Begin(), Wait(1), speaks(1, seconds=2), Wait(1), Close(1011, "crashed")])
    assert farewell.disconnection.message == "crashed"
    assert farewell.ended_s == pytest.approx(2, abs=0.03)


def asked(
    steps: Sequence[Step], then: Callable[[VoiceConversation], Awaitable[object]]
) -> tuple[float, list[str], float]:
    """Ask in writing and wait, and do something.

    Returns:
        When the answer was over, what it was, and for how many seconds the agent was heard.
    """
    clock = VirtualClock()
    speaker = MemorySpeaker(pace=clock)

    async def converse() -> tuple[float, list[str], float]:
        async with (
            MemoryAgent([Begin(), Expect(UserMessage), *steps, Listen()]) as agent,
            Conversation.start_session(
                agent_id="any",
                origin=agent.origin,
                microphone=MemoryMicrophone(pace=clock),
                speaker=speaker,
            ) as conversation,
        ):
            assert await conversation.answered() == ()  # there is none yet
            assert clock.now() == 0
            conversation.send_user_message("And?")
            waiting = asyncio.create_task(conversation.answered())
            await then(conversation)
            answer = await waiting
            over_s = clock.now()
            await asyncio.sleep(10)
        audible = np.count_nonzero(speaker.heard()) / RATE_HZ
        return over_s, [message.text for message in answer], audible

    return clock.run(converse())


async def nothing(conversation: VoiceConversation) -> None:
    """Only wait."""


def test_asking_and_waiting_gives_the_answer_once_it_was_heard() -> None:
    over_s, answer, _ = asked(
        [
            Wait(1),
            Say(AgentResponseEvent(agent_response="Well.", event_id=1)),
            speaks(1, seconds=2),
            Wait(2.3),
            Say(AgentResponseEvent(agent_response="Yes.", event_id=1)),
            speaks(1),
        ],
        nothing,
    )
    assert answer == ["Well.", "Yes."]
    assert over_s == pytest.approx(1 + 2.3 + 1 + HICCUP_S + SOUND_SETTLES_MS / 1000, abs=0.05)


def test_an_answer_that_the_server_calls_complete_is_over_as_soon_as_it_was_heard() -> None:
    over_s, answer, _ = asked(
        [
            Wait(1),
            speaks(1),
            Say(AgentResponseEvent(agent_response="Well.", event_id=1)),
            Say(AgentResponseCompleteEvent(data={"event_id": 1})),
        ],
        nothing,
    )
    assert answer == ["Well."]
    assert over_s == pytest.approx(2 + HICCUP_S, abs=0.05)


def test_an_answer_that_never_comes_is_given_up() -> None:
    with pytest.raises(TimeoutError, match="not over within 60 s; raise `limit_s`"):
        asked([], nothing)


def test_what_the_caller_interrupts_is_silent_at_once_and_the_next_answer_is_heard() -> None:
    async def interrupt(conversation: VoiceConversation) -> None:
        await asyncio.sleep(1.5)
        await conversation.interrupt()
        assert conversation.mode is Mode.LISTENING

    over_s, answer, heard_s = asked(
        [
            Wait(1),
            Say(AgentResponseEvent(agent_response="Well.", event_id=1)),
            speaks(1),
            Wait(1),
            speaks(1, seconds=3),
            Wait(4),
            Say(AgentResponseEvent(agent_response="Hello?", event_id=2)),
            speaks(2),
        ],
        interrupt,
    )
    assert over_s == pytest.approx(1.5, abs=0.05)
    assert answer == ["Well."]
    assert heard_s == pytest.approx(0.5 + 1, abs=0.1)


def test_an_agent_that_does_not_begin_is_given_up() -> None:
    clock = VirtualClock()

    async def start() -> None:
        async with MemoryAgent([Listen()]) as agent:
            with pytest.raises(SessionConnectionError, match="connect_timeout"):
                await Conversation.start_session(
                    agent_id="any", origin=agent.origin, text_only=True, connect_timeout=300
                )

    clock.run(start())
    assert clock.now() == pytest.approx(300)
