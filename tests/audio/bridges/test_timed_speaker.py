from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import numpy as np
import pytest

from duologue import Conversation
from duologue.audio import PushedMicrophone, Sink, TimedSpeaker
from duologue.audio.bridges.timed_speaker import BLOCKS_LIMIT
from duologue.audio.samples import bytes_from_samples, samples_from_bytes
from duologue.dialogue.values import ErrorReport
from duologue.protocol.server_events import AudioEvent
from duologue.testing import MemoryAgent, VirtualClock
from duologue.testing.script import Begin, Listen, Say
from tests.audio.signals import tone
from tests.conversation.fakes import eventually

RATE_HZ = 16_000


def render(frames: int) -> memoryview:
    return bytes_from_samples(np.full(frames, 7, np.int16))


def test_it_is_a_sink() -> None:
    sink: Sink = TimedSpeaker(RATE_HZ)
    assert sink.sample_rate_hz == RATE_HZ


@pytest.mark.parametrize(("block_ms", "size"), [(20, 640), (10, 320), (60, 1920)])
def test_each_block_is_handed_on_when_it_is_due(block_ms: int, size: int) -> None:
    clock = VirtualClock()
    blocks: list[tuple[float, bytes]] = []
    speaker = TimedSpeaker(
        RATE_HZ,
        on_block=lambda block: blocks.append((clock.now(), block)),
        block_ms=block_ms,
        pace=clock,
    )

    async def listen() -> None:
        speaker.start(render)
        await asyncio.sleep(1.205)
        speaker.stop()
        await asyncio.sleep(1)

    clock.run(listen())
    expected = [n * block_ms / 1000 for n in range(1, 1200 // block_ms + 1)]
    assert [at_s for at_s, _ in blocks] == pytest.approx(expected)
    assert {block for _, block in blocks} == {b"\x07\x00" * (size // 2)}


@pytest.mark.parametrize(("encoding", "size"), [("ulaw", 160), ("alaw", 160), ("pcm", 320)])
def test_blocks_are_encoded_as_the_other_side_wants_them(encoding: Any, size: int) -> None:
    clock = VirtualClock()
    blocks: list[bytes] = []
    speaker = TimedSpeaker(8000, encoding=encoding, on_block=blocks.append, pace=clock)

    async def listen() -> None:
        speaker.start(render)
        await asyncio.sleep(0.1)
        speaker.stop()

    clock.run(listen())
    assert {len(block) for block in blocks} == {size}


def test_blocks_can_be_gone_through() -> None:
    clock = VirtualClock()
    speaker = TimedSpeaker(RATE_HZ, pace=clock)
    blocks: list[bytes] = []

    async def go_through() -> None:
        blocks.extend([block async for block in speaker])

    async def listen() -> None:
        going = asyncio.create_task(go_through())
        speaker.start(render)
        await asyncio.sleep(0.205)
        speaker.stop()
        await going  # it ends with the speaker

    clock.run(listen())
    assert len(blocks) == 10


def test_of_blocks_that_nobody_takes_the_oldest_go_and_are_counted() -> None:
    clock = VirtualClock()
    speaker = TimedSpeaker(RATE_HZ, pace=clock)

    async def listen() -> None:
        blocks = aiter(speaker)
        speaker.start(render)
        await asyncio.sleep(0.02 * (BLOCKS_LIMIT + 30) + 0.005)
        speaker.stop()
        await asyncio.sleep(0)
        assert blocks.dropped == 30
        assert len([block async for block in blocks]) == BLOCKS_LIMIT

    clock.run(listen())


def test_whoever_goes_through_later_takes_over() -> None:
    clock = VirtualClock()
    speaker = TimedSpeaker(RATE_HZ, pace=clock)

    async def listen() -> None:
        first = aiter(speaker)
        speaker.start(render)
        await asyncio.sleep(0.05)
        second = aiter(speaker)
        await asyncio.sleep(0.05)
        speaker.stop()
        assert len([block async for block in first]) == 2
        assert len([block async for block in second]) == 3

    clock.run(listen())


def test_nobody_has_to_listen() -> None:
    clock = VirtualClock()
    rendered: list[int] = []

    def count(frames: int) -> memoryview:
        rendered.append(frames)
        return render(frames)

    async def listen() -> None:
        speaker = TimedSpeaker(RATE_HZ, pace=clock)
        speaker.start(count)
        await asyncio.sleep(0.105)
        speaker.stop()

    clock.run(listen())
    assert rendered == [320] * 5


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sample_rate_hz": 0}, ValueError),
        ({"encoding": "opus"}, ValueError),
        ({"block_ms": 2}, ValueError),
        ({"block_ms": 2000}, ValueError),
        ({"on_block": asyncio.sleep}, TypeError),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"not|plain"):
        TimedSpeaker(**arguments)


async def test_the_agent_is_heard_in_blocks_in_the_loop_of_the_conversation() -> None:
    blocks: list[bytes] = []
    threads: set[int] = set()

    def heard(block: bytes) -> None:
        threads.add(threading.get_ident())
        blocks.append(block)

    sound = AudioEvent(audio=bytes(bytes_from_samples(tone(200, RATE_HZ))), event_id=1)
    speaker = TimedSpeaker(8000, on_block=heard)
    async with (
        MemoryAgent([Begin(), Say(sound), Listen()]) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, microphone=PushedMicrophone(), speaker=speaker
        ) as conversation,
    ):
        await eventually(lambda: conversation.audio_counters.played_ms >= 190)
        await eventually(lambda: any(map(any, blocks)))
    after = len(blocks)
    await asyncio.sleep(0.05)
    assert len(blocks) == after
    assert threads == {threading.get_ident()}
    assert {len(block) for block in blocks} == {320}
    assert np.abs(samples_from_bytes(b"".join(blocks)).astype(int)).max() > 1000


async def test_a_loop_that_was_held_up_gets_its_blocks_one_by_one() -> None:
    blocks: list[bytes] = []
    async with (
        MemoryAgent([Begin(), Listen()]) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=PushedMicrophone(),
            speaker=TimedSpeaker(8000, on_block=blocks.append),
        ),
    ):
        await eventually(lambda: len(blocks) >= 2)
        before, began_s = len(blocks), time.monotonic()
        hold_up(0.3)
        await eventually(lambda: len(blocks) - before >= (time.monotonic() - began_s) / 0.02 - 3)
    assert {len(block) for block in blocks} == {320}


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_callback_that_raises_is_reported_and_the_conversation_goes_on() -> None:
    errors: list[ErrorReport] = []

    def fail(block: bytes) -> None:
        raise OSError("the phone has hung up")

    async with (
        MemoryAgent([Begin(), Listen()]) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=PushedMicrophone(),
            speaker=TimedSpeaker(8000, on_block=fail),
            on_error=errors.append,
        ) as conversation,
    ):
        await eventually(lambda: bool(errors))
        await asyncio.sleep(0.05)
        assert conversation.is_open()
    assert [str(error) for error in errors] == ["the speaker failed: the phone has hung up"]
