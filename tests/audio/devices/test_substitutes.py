from __future__ import annotations

import threading

from duologue.audio.devices.substitutes import SilentSource, UnheardSink
from duologue.audio.samples import bytes_from_samples, samples_from_bytes, silence

LIMIT_S = 5


def test_a_silent_source_delivers_silence_at_the_pace_of_real_time() -> None:
    blocks: list[bytes] = []
    enough = threading.Event()

    def deliver(data: memoryview) -> None:
        blocks.append(bytes(data))
        if len(blocks) == 3:
            enough.set()

    source = SilentSource(16_000)
    source.start(deliver)
    assert enough.wait(LIMIT_S)
    source.stop()
    assert {len(block) for block in blocks} == {320}
    assert not any(samples_from_bytes(block).any() for block in blocks)


def test_an_unheard_sink_takes_what_there_is() -> None:
    asked: list[int] = []
    enough = threading.Event()

    def render(frames: int) -> memoryview:
        asked.append(frames)
        if len(asked) == 3:
            enough.set()
        return bytes_from_samples(silence(frames))

    sink = UnheardSink(48_000)
    sink.start(render)
    assert enough.wait(LIMIT_S)
    sink.stop()
    assert set(asked) == {480}
