"""The agent's voice on a track, with a track that only remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import numpy as np
import pytest
from livekit import rtc

from duologue.agent.room_tracks import MOST_CHUNKS, RoomVoice
from duologue.protocol.formats import AudioFormat
from duologue.protocol.server_events import Alignment
from tests.agent.harness import until

FORMAT = AudioFormat.parse("pcm_48000")
CHUNK = FORMAT.encode(np.arange(4800, dtype=np.int16))
LETTER = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[60])


class FakeSource:
    """Plays at once, or nothing."""

    def __init__(self) -> None:
        self.played: list[bytes] = []
        self.clearings = 0
        self.is_closed = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        assert (frame.sample_rate, frame.num_channels) == (48_000, 1)
        self.played.append(bytes(frame.data))

    def clear_queue(self) -> None:
        self.clearings += 1

    async def aclose(self) -> None:
        self.is_closed = True


class FakeListener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def voice_chunk(self, audio: bytes, alignment: Alignment | None) -> None:
        self.told.append((audio, alignment))

    def voice_started(self) -> None:
        self.told.append("started")

    def voice_interrupted(self) -> str:
        self.told.append("interrupted")
        return "The whole reply."

    def voice_heard(self, heard: str) -> None:
        self.told.append(heard)

    def voice_finished(self) -> None:
        self.told.append("finished")


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def listener() -> FakeListener:
    return FakeListener()


@pytest.fixture
async def voice(source: FakeSource, listener: FakeListener) -> AsyncIterator[RoomVoice]:
    voice = RoomVoice(cast(rtc.AudioSource, source), FORMAT)
    voice.listener = listener
    yield voice
    await voice.aclose()


async def test_the_sound_goes_to_the_track_and_its_characters_to_the_listener(
    voice: RoomVoice, source: FakeSource, listener: FakeListener
) -> None:
    voice.voice_chunk(CHUNK, LETTER)
    voice.voice_chunk(CHUNK, None)
    await until(lambda: len(source.played) == 2)
    assert source.played == [CHUNK, CHUNK]
    assert listener.told == [(b"", LETTER)]


async def test_an_interruption_takes_back_what_has_not_been_played(
    voice: RoomVoice, source: FakeSource, listener: FakeListener
) -> None:
    voice.voice_chunk(CHUNK, None)
    assert voice.voice_interrupted() == "The whole reply."
    voice.voice_heard("The whole")
    voice.voice_chunk(CHUNK[:200], None)
    await until(lambda: bool(source.played))
    assert source.played == [CHUNK[:200]]
    assert source.clearings == 1
    assert listener.told == ["interrupted", "The whole"]


async def test_the_rest_is_handed_on(voice: RoomVoice, listener: FakeListener) -> None:
    voice.voice_started()
    voice.voice_finished()
    assert listener.told == ["started", "finished"]


async def test_a_track_that_takes_nothing_does_not_fill_the_memory(
    voice: RoomVoice, source: FakeSource
) -> None:
    for _ in range(MOST_CHUNKS + 10):
        voice.voice_chunk(CHUNK, None)
    await until(lambda: len(source.played) >= MOST_CHUNKS)
    assert len(source.played) == MOST_CHUNKS


async def test_its_end_is_the_tracks_end(source: FakeSource) -> None:
    voice = RoomVoice(cast(rtc.AudioSource, source), FORMAT)
    await voice.aclose()
    assert source.is_closed
