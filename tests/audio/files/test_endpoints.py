from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from duologue.audio.files.endpoints import WavSink, WavSource
from duologue.audio.files.reading import read_wav
from duologue.audio.files.writing import write_wav
from duologue.audio.samples import bytes_from_samples, samples_from_bytes, silence
from duologue.errors import AudioFileError
from tests.audio.signals import tone
from tests.audio.virtual_pace import VirtualPace


def test_a_wav_source_plays_its_file_once_it_may_begin(tmp_path: Path) -> None:
    write_wav(tmp_path / "voice.wav", tone(100, 8000), 8000)
    source = WavSource(tmp_path / "voice.wav", held=True, pace=VirtualPace())
    assert (source.sample_rate_hz, source.duration_ms, source.finished) == (8000, 100.0, False)
    received: list[int] = []
    finished = threading.Event()

    def deliver(data: memoryview) -> None:
        received.extend(samples_from_bytes(data).tolist())
        if len(received) == 320:
            source.begin()
        if source.finished:
            finished.set()

    source.start(deliver)
    assert finished.wait(5)
    source.stop()
    assert received[:1120] == [*[0] * 320, *tone(100, 8000).tolist()]


def test_a_wav_source_knows_where_speech_ends(tmp_path: Path) -> None:
    write_wav(tmp_path / "voice.wav", np.concatenate((tone(300, 8000), silence(4000))), 8000)
    assert WavSource(tmp_path / "voice.wav").last_voiced_ms == 300


def test_a_file_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no such file"):
        WavSource(tmp_path / "nowhere.wav")


def test_a_wav_sink_writes_what_it_played(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "heard.wav", 8000, pace=VirtualPace())
    blocks = 0
    enough = threading.Event()

    def render(frames: int) -> memoryview:
        nonlocal blocks
        blocks += 1
        if blocks == 100:
            enough.set()
        return bytes_from_samples(silence(frames) + np.int16(blocks % 100))

    sink.start(render)
    assert enough.wait(5)
    sink.stop()
    samples, rate_hz = read_wav(tmp_path / "heard.wav")
    assert rate_hz == 8000
    assert samples[:8000:80].tolist() == [n % 100 for n in range(1, 101)]
    assert len(samples) == blocks * 80


def test_a_path_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "nowhere" / "heard.wav", 8000)
    with pytest.raises(AudioFileError, match="No such file or directory"):
        sink.start(lambda frames: bytes_from_samples(silence(frames)))
    sink.stop()


def test_a_disk_that_fills_up_is_reported_to_failed(tmp_path: Path) -> None:
    failures: list[Exception] = []
    failed = threading.Event()

    def fail(error: Exception) -> None:
        failures.append(error)
        failed.set()

    sink = WavSink(tmp_path / "heard.wav", 8000, pace=VirtualPace())
    sink.failed = fail

    def render(frames: int) -> memoryview:
        raise AudioFileError("no space left")

    sink.start(render)
    assert failed.wait(5)
    sink.stop()
    assert [str(error) for error in failures] == ["no space left"]


def test_starting_twice_is_refused(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "heard.wav", 8000)
    sink.start(lambda frames: bytes_from_samples(silence(frames)))
    with pytest.raises(RuntimeError, match="running already"):
        sink.start(lambda frames: bytes_from_samples(silence(frames)))
    sink.stop()
    sink.stop()
