from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from duologue.audio.pacing.arrays import ArraySink, ArraySource
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence
from tests.audio.signals import tone
from tests.audio.virtual_pace import VirtualPace


def delivered(
    source: ArraySource, blocks: int, at_block: dict[int, Callable[[], None]] | None = None
) -> list[Samples]:
    """The first blocks of a source; some of them are followed by a deed."""
    received: list[Samples] = []
    done = threading.Event()

    def deliver(data: memoryview) -> None:
        received.append(samples_from_bytes(data))
        (at_block or {}).get(len(received), lambda: None)()
        if len(received) == blocks:
            source.stop()
            done.set()

    source.start(deliver)
    assert done.wait(5)
    return received


def test_a_source_delivers_its_samples_then_silence() -> None:
    samples = tone(25, 16_000)
    blocks = delivered(ArraySource(samples, 16_000, pace=VirtualPace()), 5)
    assert [len(block) for block in blocks] == [160] * 5
    assert np.concatenate(blocks).tolist() == [*samples.tolist(), *[0] * 400]


def test_blocks_keep_the_rate_where_10_ms_is_no_whole_number_of_samples() -> None:
    blocks = delivered(ArraySource(silence(0), 11_025, pace=VirtualPace()), 100)
    assert sum(map(len, blocks)) == 11_025


def test_a_held_source_is_silent_until_it_may_begin() -> None:
    samples = tone(10, 16_000)
    source = ArraySource(samples, 16_000, held=True, pace=VirtualPace())
    blocks = delivered(source, 5, {3: source.begin})
    assert [bool(block.any()) for block in blocks] == [False, False, False, True, False]
    assert blocks[3].tolist() == samples.tolist()


def test_a_source_tells_when_it_has_finished() -> None:
    source = ArraySource(tone(25, 16_000), 16_000, pace=VirtualPace())
    finished: list[bool] = []
    delivered(source, 4, {n: lambda: finished.append(source.finished) for n in (1, 2, 3, 4)})
    assert finished == [False, False, True, True]


def test_a_source_tells_when_its_first_sample_was_spoken() -> None:
    source = ArraySource(tone(50, 16_000), 16_000, held=True, pace=VirtualPace())
    assert source.began_at_s is None
    delivered(source, 4, {2: source.begin})
    # The virtual clock starts at 100 s; two silent blocks went before.
    assert source.began_at_s == pytest.approx(100.02)


def test_a_source_knows_its_duration_and_where_its_speech_ends() -> None:
    samples = np.concatenate((silence(1600), tone(300, 16_000), silence(3200)))
    source = ArraySource(samples, 16_000)
    assert source.duration_ms == 600.0
    assert source.last_voiced_ms == 400


def test_a_source_started_again_goes_on_where_it_was() -> None:
    samples = tone(40, 16_000)
    source = ArraySource(samples, 16_000, pace=VirtualPace())
    parts = [*delivered(source, 2), *delivered(source, 2)]
    assert np.concatenate(parts).tolist() == samples.tolist()


def test_a_sink_keeps_what_it_has_played() -> None:
    samples = tone(60, 16_000)
    sink = ArraySink(16_000, pace=VirtualPace())
    done = threading.Event()
    position = 0

    def render(frames: int) -> memoryview:
        nonlocal position
        block = samples[position : position + frames]
        position += frames
        if position >= len(samples):
            done.set()
        return bytes_from_samples(np.concatenate((block, silence(frames - len(block)))))

    sink.start(render)
    assert done.wait(5)
    sink.stop()
    assert sink.heard()[: len(samples)].tolist() == samples.tolist()
    assert not sink.heard()[len(samples) :].any()


def test_before_anything_was_played_nothing_was_heard() -> None:
    assert ArraySink(16_000).heard().tolist() == []
