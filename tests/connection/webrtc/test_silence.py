from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from livekit import rtc
from livekit.rtc._proto import stats_pb2

from duologue.connection.webrtc import silence as room_silence
from duologue.connection.webrtc.silence import SILENT_AFTER_S, Silence, SilenceWatch, received_in

LIMIT_S = 5


def stats(*, packets: int = 0, requests: int = 0, responses: int = 0) -> rtc.RtcStats:
    """One connection, of which the statistics tell among other things."""
    pair = stats_pb2.RtcStats()
    counts = pair.candidate_pair.candidate_pair
    counts.packets_received = packets
    counts.requests_received = requests
    counts.responses_received = responses
    other = stats_pb2.RtcStats()
    other.transport.transport.packets_received = 1000
    return rtc.RtcStats(publisher_stats=[pair, other], subscriber_stats=[])


class Room(rtc.Room):
    """A room whose statistics a test makes."""

    def __init__(self, get_rtc_stats: Callable[[], Awaitable[rtc.RtcStats]]) -> None:
        super().__init__()
        self._get = get_rtc_stats

    async def get_rtc_stats(self) -> rtc.RtcStats:
        return await self._get()


def test_what_comes_is_no_silence_and_what_stays_the_same_is_after_a_while() -> None:
    silence = Silence(0.0)
    assert not silence.lasts(1, 3.0)
    assert not silence.lasts(1, 3.0 + SILENT_AFTER_S - 0.1)
    assert silence.lasts(1, 3.0 + SILENT_AFTER_S)
    assert not silence.lasts(2, 20.0)


def test_nothing_known_is_nothing_heard() -> None:
    silence = Silence(0.0)
    assert not silence.lasts(None, SILENT_AFTER_S - 0.1)
    assert silence.lasts(None, SILENT_AFTER_S)


def test_a_connection_made_anew_counts_from_zero() -> None:
    silence = Silence(0.0)
    silence.lasts(500, 1.0)
    silence.lasts(3, SILENT_AFTER_S)
    assert not silence.lasts(4, 1.0 + SILENT_AFTER_S)


def test_what_is_no_longer_counted_has_not_come() -> None:
    silence = Silence(0.0)
    silence.lasts(37, 1.0)
    assert silence.lasts(0, 1.0 + SILENT_AFTER_S)
    assert silence.lasts(0, 20.0)


def test_packets_and_checks_count() -> None:
    assert received_in(stats(packets=1, requests=20, responses=300)) == 321
    both = rtc.RtcStats(stats(packets=1).publisher_stats, stats(packets=2).publisher_stats)
    assert received_in(both) == 3


async def changes(room: Room, monkeypatch: pytest.MonkeyPatch, count: int) -> list[str]:
    """What a watch tells first, where nothing may come for 50 ms."""
    monkeypatch.setattr(room_silence, "POLL_S", 0.01)
    monkeypatch.setattr(room_silence, "SILENT_AFTER_S", 0.05)
    monkeypatch.setattr(room_silence, "LOOK_LIMIT_S", 0.02)
    told: asyncio.Queue[str] = asyncio.Queue()
    watch = SilenceWatch(room, lambda: told.put_nowait("began"), lambda: told.put_nowait("ended"))
    try:
        async with asyncio.timeout(LIMIT_S):
            return [await told.get() for _ in range(count)]
    finally:
        await watch.close()


async def test_a_silence_and_its_end_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    async def silent_at_times() -> rtc.RtcStats:
        nonlocal looks
        looks += 1
        return stats(packets=looks // 30)

    assert await changes(Room(silent_at_times), monkeypatch, 3) == ["began", "ended", "began"]


@pytest.mark.parametrize("wrong", ["it is not connected", "it hangs"])
async def test_statistics_that_cannot_be_had_are_silence(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    async def get() -> Any:
        if wrong == "it hangs":
            await asyncio.sleep(LIMIT_S * 2)
        raise RuntimeError(wrong)

    assert await changes(Room(get), monkeypatch, 1) == ["began"]
