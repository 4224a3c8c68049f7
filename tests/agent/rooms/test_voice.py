"""The agent's voice on a track; LiveKit takes it, and nobody has to be in a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from livekit import rtc

from duologue.agent.rooms.voice import MOST_WAITING_MS, RoomVoice
from duologue.audio.tracks.frames import FrameCapture
from duologue.audio.tracks.packets import PACKET_BYTES, PACKET_MS, SAMPLE_RATE_HZ
from duologue.protocol.server_events import Alignment
from tests.agent.harness import until
from tests.audio.taken_packets import taken_packets

CHUNK_PACKETS = 5
CHUNK = bytes([1]) * PACKET_BYTES * CHUNK_PACKETS
OTHER_CHUNK = bytes([2]) * PACKET_BYTES * CHUNK_PACKETS
LETTER = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[60])
OTHER_LETTER = Alignment(chars=["b"], char_start_times_ms=[0], char_durations_ms=[60])


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
async def source() -> rtc.AudioSource:
    return rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)


@pytest.fixture
def listener() -> FakeListener:
    return FakeListener()


@pytest.fixture
async def voice(source: rtc.AudioSource, listener: FakeListener) -> AsyncIterator[RoomVoice]:
    voice = RoomVoice(source)
    voice.listener = listener
    yield voice
    await voice.aclose()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What LiveKit has taken, the silence included."""
    return taken_packets(monkeypatch)


def spoken(sent: list[bytes]) -> bytes:
    return b"".join(packet for packet in sent if any(packet))


async def test_the_sound_goes_to_the_track_and_its_characters_to_the_listener(
    voice: RoomVoice, sent: list[bytes], listener: FakeListener
) -> None:
    voice.voice_chunk(CHUNK, LETTER)
    voice.voice_chunk(OTHER_CHUNK, None)
    await until(lambda: len(spoken(sent)) == len(CHUNK + OTHER_CHUNK))
    assert spoken(sent) == CHUNK + OTHER_CHUNK
    assert listener.told == [(b"", LETTER)]


async def test_the_characters_of_a_chunk_go_once_its_sound_is_on_its_way(
    voice: RoomVoice,
    sent: list[bytes],
    listener: FakeListener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told_after: list[int] = []
    monkeypatch.setattr(
        listener, "voice_chunk", lambda *_sound: told_after.append(len(spoken(sent)))
    )
    voice.voice_chunk(CHUNK, LETTER)
    voice.voice_chunk(OTHER_CHUNK, OTHER_LETTER)
    await until(lambda: len(told_after) == 2)
    assert told_after == [PACKET_BYTES, len(CHUNK) + PACKET_BYTES]


async def test_all_characters_have_gone_before_the_end(
    voice: RoomVoice, listener: FakeListener
) -> None:
    voice.voice_chunk(CHUNK, LETTER)
    voice.voice_chunk(OTHER_CHUNK, OTHER_LETTER)
    voice.voice_finished()
    assert listener.told == [(b"", LETTER), (b"", OTHER_LETTER), "finished"]


async def test_an_interruption_takes_back_what_has_not_been_played(
    voice: RoomVoice, sent: list[bytes], listener: FakeListener
) -> None:
    voice.voice_chunk(CHUNK, LETTER)
    assert voice.voice_interrupted() == "The whole reply."
    voice.voice_heard("The whole")
    voice.voice_chunk(OTHER_CHUNK, None)
    await until(lambda: len(spoken(sent)) >= len(OTHER_CHUNK))
    assert spoken(sent) == OTHER_CHUNK
    assert listener.told == ["interrupted", "The whole"]


async def test_the_rest_is_handed_on(voice: RoomVoice, listener: FakeListener) -> None:
    voice.voice_started()
    voice.voice_finished()
    assert listener.told == ["started", "finished"]


async def test_a_track_that_takes_nothing_does_not_fill_the_memory(
    voice: RoomVoice, listener: FakeListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = asyncio.Event()

    async def take(frames: FrameCapture, packet: bytes) -> None:
        taking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(FrameCapture, "take", take)
    await asyncio.wait_for(taking.wait(), 10)
    chunks = int(MOST_WAITING_MS / (CHUNK_PACKETS * PACKET_MS))
    for _ in range(chunks + 10):
        voice.voice_chunk(CHUNK, LETTER)
    voice.voice_finished()
    assert listener.told[:-1] == [(b"", LETTER)] * (chunks + 1)


async def test_its_end_is_the_tracks_end(source: rtc.AudioSource, listener: FakeListener) -> None:
    voice = RoomVoice(source)
    voice.listener = listener
    voice.voice_chunk(CHUNK, LETTER)
    await voice.aclose()
    assert source._ffi_handle.disposed
    assert listener.told == []
