"""Conversations in a room where the microphone hears the speaker: who is taken for whom?"""

from __future__ import annotations

import asyncio
import statistics
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.barge_in_through_echo import BargeIn, barge_in
from benchmarks.self_hearing import QUESTIONS, hold, print_held
from duologue import Conversation, Mode
from duologue.agent.speech.turns import MIN_SPEECH_S
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.samples import Samples
from tests.real.acoustics import ECHO_DELAY_MS, ECHO_LEVEL_DB, Room, echoing_room
from tests.real.agent_process import AgentServer
from tests.real.speech import SpokenSentences
from tests.real.waiting import eventually

pytestmark = [pytest.mark.devices, pytest.mark.xdist_group("devices")]

TURNS = 10
BARGE_INS = 3
NOTICED_WITHIN_MS = 1500
"""The figure itself is measured by benchmarks/barge_in_through_echo.py; here the machine may be
busy."""

STANDSTILLS = 5
STANDSTILL_S = 0.15
LEARNS_S = 3.0
"""After so much of the agent's speech the canceller knows the room."""
BETWEEN_S = 2.5
ROW_MS = 10


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with echoing_room(tmp_path) as room:
        yield room


def test_the_microphone_hears_the_speaker(room: Room) -> None:
    echo = room.measure_echo()
    assert echo.level_db == pytest.approx(ECHO_LEVEL_DB, abs=1)
    assert echo.delay_ms == pytest.approx(ECHO_DELAY_MS, abs=20)


@pytest.mark.timeout(400)
async def test_an_agent_does_not_hear_itself(
    room: Room, spoken: SpokenSentences, agent_server: AgentServer
) -> None:
    questions = [QUESTIONS[turn % len(QUESTIONS)] for turn in range(TURNS)]
    held = await hold(
        room, spoken, questions, origin=agent_server.websocket_origin, agent_id="guide"
    )
    print_held(held)
    assert held.interruptions == 0
    assert not held.heard_itself.is_set()
    assert len(held.heard) == TURNS
    assert len(held.answers) == TURNS + 1


async def test_too_little_for_speech_goes_out_when_the_machine_stands_still(
    room: Room, agent_server: AgentServer, tmp_path: Path
) -> None:
    interruptions: list[object] = []
    recording = tmp_path / "call.wav"
    async with Conversation.start_session(
        agent_id="storyteller",
        origin=agent_server.websocket_origin,
        on_interruption=interruptions.append,
        record=recording,
    ) as conversation:
        await eventually(lambda: conversation.mode is Mode.SPEAKING, "the story begins")
        await asyncio.sleep(LEARNS_S)
        before = conversation.audio_counters
        for _ in range(STANDSTILLS):
            room.stand_still(STANDSTILL_S)
            await asyncio.sleep(BETWEEN_S)
        assert conversation.mode is Mode.SPEAKING
        after = conversation.audio_counters
    assert not interruptions
    assert after.late_renders - before.late_renders >= STANDSTILLS
    user = user_in(recording, before.captured_ms, after.captured_ms)
    assert len(user) * ROW_MS > STANDSTILLS * BETWEEN_S * 1000
    assert audible_ms(user) < MIN_SPEECH_S * 1000


async def test_without_echo_cancellation_it_does(
    room: Room, spoken: SpokenSentences, agent_server: AgentServer
) -> None:
    held = await hold(
        room,
        spoken,
        QUESTIONS,
        origin=agent_server.websocket_origin,
        agent_id="guide",
        echo_cancellation=False,
    )
    print_held(held)
    assert held.heard_itself.is_set()


async def test_it_does_hear_a_user_who_talks_over_it(
    room: Room, spoken: SpokenSentences, agent_server: AgentServer
) -> None:
    """Most of the times: a machine that stands still meanwhile may cost one."""
    results = [
        await barge_in(room, spoken, origin=agent_server.websocket_origin, agent_id="storyteller")
        for _ in range(BARGE_INS)
    ]
    noticed_ms = [result.noticed_ms for result in results if isinstance(result, BargeIn)]
    assert len(noticed_ms) > BARGE_INS // 2, results
    assert statistics.median(noticed_ms) < NOTICED_WITHIN_MS


def user_in(recording: Path, begin_ms: float, end_ms: float) -> Samples:
    """What went out of the user's sound between the two, in rows of 10 ms."""
    with wave.open(str(recording)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        user = samples[:: file.getnchannels()]
        size = file.getframerate() * ROW_MS // 1000
        return user[: len(user) // size * size].reshape(-1, size)[
            round(begin_ms / ROW_MS) : round(end_ms / ROW_MS)
        ]


def audible_ms(rows: Samples) -> int:
    """How long something is audible, all in all."""
    loudest = np.abs(rows.astype(np.int32)).max(axis=1)
    return ROW_MS * int(np.count_nonzero(loudest > AUDIBLE_ABOVE))
