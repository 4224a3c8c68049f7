"""The user's sound on its way to the session."""

import asyncio
import logging

import numpy as np
import pytest

from duologue.agent.call.sound.hearing import MOST_WAITING_S, RATE_HZ, Hearing
from duologue.protocol.formats import AUDIO_FORMATS


async def test_sound_at_the_right_rate_passes_bit_for_bit() -> None:
    hearing = Hearing(AUDIO_FORMATS["pcm_16000"])
    samples = np.arange(320, dtype=np.int16)
    hearing.push(samples.tobytes())
    frame = await anext(hearing)
    assert frame.sample_rate == RATE_HZ
    assert np.array_equal(np.frombuffer(frame.data, np.int16), samples)


async def test_other_formats_are_decoded_and_resampled() -> None:
    hearing = Hearing(AUDIO_FORMATS["ulaw_8000"])
    for _ in range(50):
        hearing.push(bytes([0xFF]) * 160)
    hearing.close()
    frames = [frame async for frame in hearing]
    assert sum(frame.samples_per_channel for frame in frames) == pytest.approx(RATE_HZ, abs=1600)
    assert max(abs(np.frombuffer(frames[0].data, np.int16))) <= 8


async def test_a_reader_waits_for_sound_and_ends_with_the_call() -> None:
    hearing = Hearing(AUDIO_FORMATS["pcm_16000"])
    reading = asyncio.create_task(anext(hearing))
    await asyncio.sleep(0)
    hearing.push(bytes(640))
    assert (await reading).samples_per_channel == 320
    hearing.close()
    with pytest.raises(StopAsyncIteration):
        await anext(hearing)


async def test_the_oldest_sound_is_dropped_when_far_too_much_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "duologue.agent.call.hearing")
    hearing = Hearing(AUDIO_FORMATS["pcm_16000"])
    for number in range(int(MOST_WAITING_S) + 5):
        hearing.push(np.full(RATE_HZ, number, dtype=np.int16).tobytes())
    frame = await anext(hearing)
    assert np.frombuffer(frame.data, np.int16)[0] == 5
    assert len(caplog.messages) == 1


async def test_an_empty_chunk_is_nothing() -> None:
    hearing = Hearing(AUDIO_FORMATS["pcm_16000"])
    hearing.push(b"")
    hearing.close()
    assert [frame async for frame in hearing] == []
