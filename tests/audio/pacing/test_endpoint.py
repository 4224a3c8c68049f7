from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import pytest

from duologue.audio.endpoints import Sink
from duologue.audio.pacing.arrays import ArraySink, ArraySource
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.samples import bytes_from_samples, silence
from tests.audio.virtual_pace import VirtualPace


def test_starting_twice_is_refused() -> None:
    source, sink = ArraySource(silence(0), 16_000), ArraySink(16_000)
    source.start(lambda data: None)
    sink.start(lambda frames: bytes_from_samples(silence(frames)))
    try:
        with pytest.raises(RuntimeError, match="running already"):
            source.start(lambda data: None)
        with pytest.raises(RuntimeError, match="running already"):
            sink.start(lambda frames: bytes_from_samples(silence(frames)))
    finally:
        source.stop()
        sink.stop()


def test_it_runs_from_its_start_to_its_stop() -> None:
    source = ArraySource(silence(0), 16_000)
    assert not source.is_running
    source.start(lambda data: None)
    assert source.is_running
    source.stop()
    assert not source.is_running


def test_stopping_what_does_not_run_has_no_effect() -> None:
    PacedEndpoint(16_000, VirtualPace()).stop()


def test_what_goes_wrong_in_the_thread_is_reported_to_failed() -> None:
    failures: list[str] = []
    failed = threading.Event()

    def fail(error: Exception) -> None:
        failures.append(str(error))
        failed.set()

    def render(frames: int) -> memoryview:
        raise OSError("no more")

    sink = ArraySink(16_000, pace=VirtualPace())
    sink.failed = fail
    sink.start(render)
    assert failed.wait(5)
    sink.stop()
    assert failures == ["no more"]


def test_a_sink_of_ones_own_needs_only_to_say_what_it_does_with_a_block() -> None:
    class Recorder(PacedEndpoint):
        def __init__(self) -> None:
            super().__init__(22_050)
            self.blocks: queue.SimpleQueue[int] = queue.SimpleQueue()

        def start(self, render: Callable[[int], memoryview]) -> None:
            self.keep_pace(lambda frames: self.blocks.put(render(frames).nbytes))

    recorder: Sink = Recorder()
    assert isinstance(recorder, Recorder)
    recorder.start(lambda frames: bytes_from_samples(silence(frames)))
    assert [recorder.blocks.get(timeout=5) for _ in range(2)] == [440, 442]
    recorder.stop()


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        PacedEndpoint(0, VirtualPace())
