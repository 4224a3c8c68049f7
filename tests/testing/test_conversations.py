"""Whole conversations in memory, by a virtual clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue import Conversation, Disconnection, Mode, SessionConnectionError, TurnMetrics
from duologue.audio import Samples, WavSource, samples_from_bytes
from duologue.conversation.sound.flow import HICCUP_S
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AgentToolResponseEvent,
    AudioEvent,
    UserTranscriptEvent,
)
from duologue.testing import (
    Begin,
    Close,
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
