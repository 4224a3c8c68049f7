"""Packets that are sent in time; LiveKit takes them, and nobody has to be in a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from livekit import rtc

from duologue.audio.tracks.packets import PACKET_BYTES, SAMPLE_RATE_HZ
from duologue.audio.tracks.sender import PacketSender
from tests.agent.harness import until
from tests.audio.taken_packets import take_nothing, taken_packets

FAR_S = 1000.0


class ListedPace:
    """Has packets at once, as long as there are some."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def next_s(self) -> float:
        now_s = asyncio.get_running_loop().time()
        return now_s if self.packets else now_s + FAR_S

    def take(self, now_s: float) -> bytes | None:
        return self.packets.pop(0) if self.packets else None


@pytest.fixture
def pace() -> ListedPace:
    return ListedPace()


@pytest.fixture
async def source() -> rtc.AudioSource:
    return rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)


@pytest.fixture
def taken() -> list[int]:
    return []


@pytest.fixture
async def sender(
    source: rtc.AudioSource, pace: ListedPace, taken: list[int]
) -> AsyncIterator[PacketSender]:
    sender = PacketSender(source, pace, taken=lambda: taken.append(1), name="test")
    yield sender
    await sender.aclose()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What LiveKit was given."""
    return taken_packets(monkeypatch)


async def test_packets_go_out_in_order(
    sender: PacketSender, pace: ListedPace, given: list[bytes], taken: list[int]
) -> None:
    packets = [bytes([number]) * PACKET_BYTES for number in range(1, 6)]
    pace.packets += packets
    sender.pushed()
    await until(lambda: len(taken) == len(packets))
    assert given == packets


async def test_what_becomes_due_sooner_is_sent_sooner(
    sender: PacketSender, pace: ListedPace, taken: list[int]
) -> None:
    await asyncio.sleep(0)  # it waits for the far future now
    pace.packets.append(bytes(PACKET_BYTES))
    sender.pushed()
    await until(lambda: len(taken) == 1)


async def test_a_failure_of_livekits_ends_it_and_can_be_asked_for(
    sender: PacketSender, pace: ListedPace, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_nothing(monkeypatch, "the source is gone")
    sender.raise_failure()
    assert not sender.is_over
    pace.packets.append(bytes(PACKET_BYTES))
    sender.pushed()
    await until(lambda: sender.is_over)
    assert taken == [1]  # whoever waits for it learns that it is over
    with pytest.raises(RuntimeError, match="the source is gone"):
        sender.raise_failure()


async def test_its_end_releases_the_source(source: rtc.AudioSource, pace: ListedPace) -> None:
    sender = PacketSender(source, pace, taken=lambda: None, name="test")
    await sender.aclose()
    assert sender.is_over
    assert source._ffi_handle.disposed
    sender.raise_failure()
