from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from duologue import Conversation
from duologue.audio import PushedMicrophone, Source, TimedSpeaker
from duologue.audio.bridges.pushed_microphone import KEPT_BEFORE_START_MS
from duologue.audio.samples import samples_from_bytes
from duologue.protocol.client_messages import UserAudioChunk
from duologue.testing import MemoryAgent
from duologue.testing.script import Begin, Listen
from tests.conversation.fakes import eventually

RATE_HZ = 16_000


class Heard:
    """What a source has delivered."""

    def __init__(self) -> None:
        self.samples: list[int] = []

    def __call__(self, data: memoryview) -> None:
        self.samples += samples_from_bytes(data).tolist()


def test_it_is_a_source() -> None:
    source: Source = PushedMicrophone(RATE_HZ)
    assert source.sample_rate_hz == RATE_HZ


def test_what_is_pushed_is_delivered_at_once() -> None:
    microphone, heard = PushedMicrophone(), Heard()
    microphone.start(heard)
    microphone.push(np.array([1, 2], np.int16))
    microphone.push(b"\x03\x00\x04")
    microphone.push(b"\x00")
    assert heard.samples == [1, 2, 3, 4]
    assert microphone.pushed_ms == 4 / 16


@pytest.mark.parametrize(("encoding", "silence"), [("ulaw", 0xFF), ("alaw", 0xD5)])
def test_the_sound_of_telephone_networks_is_understood(encoding: Any, silence: int) -> None:
    microphone, heard = PushedMicrophone(8000, encoding=encoding), Heard()
    microphone.start(heard)
    microphone.push(bytes([silence]) * 160)
    assert len(heard.samples) == 160
    assert max(map(abs, heard.samples)) <= 8


def test_what_was_pushed_before_the_start_is_kept_the_latest_of_it() -> None:
    microphone, heard = PushedMicrophone(1000), Heard()
    for number in range(3 * KEPT_BEFORE_START_MS // 700 + 1):
        microphone.push(np.full(700, number, np.int16))
    microphone.start(heard)
    assert heard.samples == [3] * 300 + [4] * 700
    assert microphone.dropped_ms == 5 * 700 - 1000
    microphone.push(np.array([9], np.int16))
    assert heard.samples[-1] == 9


def test_what_is_kept_is_a_copy() -> None:
    microphone, heard = PushedMicrophone(), Heard()
    buffer = np.array([1, 2], np.int16)
    microphone.push(buffer)
    buffer[:] = 0
    microphone.start(heard)
    assert heard.samples == [1, 2]


def test_after_the_stop_nothing_is_delivered_and_it_is_counted() -> None:
    microphone, heard = PushedMicrophone(1000), Heard()
    microphone.start(heard)
    microphone.stop()
    microphone.stop()
    microphone.push(np.zeros(50, np.int16))
    assert heard.samples == []
    assert microphone.dropped_ms == 50
    microphone.start(heard)
    microphone.push(np.array([1], np.int16))
    assert heard.samples == [1]


def test_starting_twice_is_refused() -> None:
    microphone = PushedMicrophone()
    microphone.start(Heard())
    with pytest.raises(RuntimeError, match="running already"):
        microphone.start(Heard())


@pytest.mark.parametrize("arguments", [{"sample_rate_hz": 0}, {"encoding": "opus"}])
def test_what_cannot_be_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not"):
        PushedMicrophone(**arguments)


def test_an_error_in_a_push_spoils_nothing() -> None:
    microphone, heard = PushedMicrophone(), Heard()
    microphone.start(heard)
    floats: Any = np.zeros(3)
    with pytest.raises(TypeError, match="float64"):
        microphone.push(floats)
    microphone.push(np.array([1], np.int16))
    assert heard.samples == [1]


@pytest.mark.parametrize("from_thread", [False, True])
async def test_a_conversation_hears_it_from_any_thread(from_thread: bool) -> None:
    microphone = PushedMicrophone(8000, encoding="ulaw")
    async with (
        MemoryAgent([Begin(), Listen()]) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=microphone,
            speaker=TimedSpeaker(8000),
        ) as conversation,
    ):

        def push() -> None:
            for _ in range(10):
                microphone.push(bytes(160))

        if from_thread:
            thread = threading.Thread(target=push)
            thread.start()
            thread.join(5)
        else:
            push()
        await eventually(lambda: conversation.audio_counters.chunks_sent >= 9)
    chunks = [m for m in agent.calls[0].received if isinstance(m, UserAudioChunk)]
    assert {len(chunk.audio) for chunk in chunks} == {640}
