"""Frames, as LiveKit takes them; nobody has to be in a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient

from duologue.audio.livekit_request import LiveKitRequest
from duologue.audio.tracks import frames as frame_capture
from duologue.audio.tracks.frames import FRAME_BYTES, FrameCapture, PreparedFrame
from duologue.audio.tracks.packets import PACKET_BYTES, SAMPLE_RATE_HZ

FRAMES = [bytes([number]) * FRAME_BYTES for number in range(1, 201)]
PACKETS = [first + last for first, last in zip(FRAMES[::2], FRAMES[1::2], strict=True)]


@pytest.fixture
async def source() -> AsyncIterator[rtc.AudioSource]:
    source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)
    yield source
    await source.aclose()


@pytest.fixture
def waited_for(source: rtc.AudioSource, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What LiveKit's client has given its library."""
    waited_for: list[bytes] = []
    capture = source.capture_frame

    async def capture_frame(frame: rtc.AudioFrame) -> None:
        await capture(frame)
        waited_for.append(bytes(frame.data))

    monkeypatch.setattr(source, "capture_frame", capture_frame)
    return waited_for


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was given by a request made once."""
    sent: list[bytes] = []
    send = PreparedFrame.send

    def noted(request: PreparedFrame, pcm: bytes | None = None) -> bytes:
        sent.append(pcm or bytes(FRAME_BYTES))
        return send(request, pcm)

    monkeypatch.setattr(PreparedFrame, "send", noted)
    return sent


@pytest.fixture
def tried_anew() -> Iterator[None]:
    frame_capture.can_prepare.cache_clear()
    yield
    frame_capture.can_prepare.cache_clear()


async def test_the_second_half_of_each_packet_is_waited_for(
    source: rtc.AudioSource, waited_for: list[bytes], sent: list[bytes]
) -> None:
    assert frame_capture.can_prepare()  # which sends a request of its own, the first time
    sent.clear()
    frames = FrameCapture(source)
    for packet in PACKETS:
        await frames.take(packet)
    assert sent == FRAMES[::2]
    assert waited_for == FRAMES[1::2]


async def test_silence_is_not_waited_for(
    source: rtc.AudioSource, waited_for: list[bytes], sent: list[bytes]
) -> None:
    frames = FrameCapture(source)
    await frames.take(PACKETS[0])
    sent.clear()
    for _ in range(5):
        await frames.take(bytes(PACKET_BYTES))
    assert sent == [bytes(FRAME_BYTES)] * 10
    assert len(waited_for) == 1


async def test_livekit_takes_all_frames_in_order(source: rtc.AudioSource) -> None:
    frames = FrameCapture(source)
    taken = FfiClient.instance.queue.subscribe(
        filter_fn=lambda event: event.WhichOneof("message") == "capture_audio_frame"
    )
    try:
        for packet in PACKETS:
            await frames.take(packet)
        async with asyncio.timeout(10):
            told = [(await taken.get()).capture_audio_frame for _ in FRAMES]
    finally:
        FfiClient.instance.queue.unsubscribe(taken)
    assert not any(each.error for each in told)
    numbers = [each.async_id for each in told]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("step", ["__init__", "send"])
@pytest.mark.usefixtures("tried_anew")
async def test_with_a_livekit_that_is_made_differently_within_all_are_waited_for(
    step: str,
    source: rtc.AudioSource,
    waited_for: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(request: object, *arguments: object) -> None:
        raise AttributeError("LiveKit has another way for it now")

    monkeypatch.setattr(LiveKitRequest, step, unknown)
    frames = FrameCapture(source)
    for packet in PACKETS[:10]:
        await frames.take(packet)
    assert waited_for == FRAMES[:20]


@pytest.mark.usefixtures("tried_anew")
async def test_this_livekit_is_as_it_is_thought_to_be() -> None:
    assert frame_capture.can_prepare()


async def test_what_is_no_packet_is_refused(source: rtc.AudioSource) -> None:
    with pytest.raises(ValueError, match="a packet has 1920 bytes, not 4"):
        await FrameCapture(source).take(b"four")
