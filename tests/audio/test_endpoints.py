from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from duologue.audio import (
    ArraySink,
    ArraySource,
    Microphone,
    Sink,
    Source,
    Speaker,
    WavSink,
    WavSource,
    write_wav,
)
from duologue.audio.endpoints import log_failure


def test_every_source_of_ours_is_a_source(tmp_path: Path) -> None:
    samples = np.zeros(160, dtype=np.int16)
    write_wav(tmp_path / "voice.wav", samples, 16_000)
    sources: list[Source] = [
        ArraySource(samples, 16_000),
        WavSource(tmp_path / "voice.wav"),
        Microphone(sample_rate_hz=16_000),
    ]
    assert [source.sample_rate_hz for source in sources] == [16_000] * 3


def test_every_sink_of_ours_is_a_sink(tmp_path: Path) -> None:
    sinks: list[Sink] = [
        ArraySink(16_000),
        WavSink(tmp_path / "heard.wav", 16_000),
        Speaker(sample_rate_hz=16_000),
    ]
    assert [sink.sample_rate_hz for sink in sinks] == [16_000] * 3


def test_a_failure_that_nobody_takes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    log_failure(OSError("unplugged"))
    assert "unplugged" in caplog.text
