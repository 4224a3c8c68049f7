"""Any sink, with all that it plays written to a WAV file beside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from duologue.audio import ArraySink, WavWriter, read_wav
from duologue.audio.endpoints import Switchable
from duologue.audio.files.tap import SwitchableTap, WavTap
from duologue.audio.samples import Samples, bytes_from_samples
from duologue.dialogue.values import DeviceChange
from duologue.errors import AudioFileError, DeviceError
from tests.audio.virtual_pace import VirtualPace

LIMIT_S = 5.0


def ramp(enough: threading.Event, frames_wanted: int) -> Callable[[int], memoryview]:
    """Renders 1, 2, 3 …, and tells when so many frames have been asked for."""
    position = 0

    def render(frames: int) -> memoryview:
        nonlocal position
        block = np.arange(position, position + frames, dtype=np.int64).astype(np.int16)
        position += frames
        if position >= frames_wanted:
            enough.set()
        return bytes_from_samples(block)

    return render


def test_what_the_sink_plays_is_in_the_file(tmp_path: Path) -> None:
    sink = ArraySink(8000, pace=VirtualPace())
    tap = WavTap(sink, tmp_path / "tap.wav")
    enough = threading.Event()
    tap.start(ramp(enough, 4000))
    assert enough.wait(LIMIT_S)
    tap.stop()
    written, rate_hz = read_wav(tmp_path / "tap.wav")
    assert rate_hz == 8000
    assert len(written) >= 4000
    assert np.array_equal(written, sink.heard())


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    sink = ArraySink(8000, pace=VirtualPace())
    with pytest.raises(AudioFileError, match=r"tap\.wav"):
        WavTap(sink, tmp_path / "missing" / "tap.wav").start(ramp(threading.Event(), 1))
    assert not sink.is_running


def test_a_sink_that_does_not_start_leaves_no_open_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(ArraySink):
        def start(self, render: Callable[[int], memoryview]) -> None:
            raise DeviceError("there is none")

    closed: list[WavWriter] = []
    close = WavWriter.close

    def note(writer: WavWriter) -> None:
        closed.append(writer)
        close(writer)

    monkeypatch.setattr(WavWriter, "close", note)
    with pytest.raises(DeviceError, match="there is none"):
        WavTap(Broken(8000), tmp_path / "tap.wav").start(ramp(threading.Event(), 1))
    assert len(closed) == 1


def test_a_full_disk_is_told_once_and_the_sound_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(writer: WavWriter, samples: Samples) -> None:
        raise AudioFileError("no space is left")

    monkeypatch.setattr(WavWriter, "write", full)
    sink = ArraySink(48_000, pace=VirtualPace())
    tap = WavTap(sink, tmp_path / "tap.wav")
    failures: list[Exception] = []
    tap.failed = failures.append
    enough = threading.Event()
    tap.start(ramp(enough, 480_000))
    assert enough.wait(LIMIT_S)
    tap.stop()
    assert [str(failure) for failure in failures] == ["no space is left"]
    assert len(sink.heard()) >= 470_000


class SwitchableArraySink(ArraySink):
    """A sink that is told to switch."""

    def __init__(self) -> None:
        super().__init__(8000, pace=VirtualPace())
        self.changed: Callable[[DeviceChange], None] = lambda change: None

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        assert device_rate_hz == 48_000
        self.changed(DeviceChange(kind="speaker", device_id=device_id))


def test_a_tap_of_a_sink_that_can_be_switched_can_be_so_as_well(tmp_path: Path) -> None:
    tap = SwitchableTap(SwitchableArraySink(), tmp_path / "tap.wav")
    changes: list[DeviceChange] = []
    tap.changed = changes.append
    assert isinstance(tap, Switchable)
    tap.switch("usb", device_rate_hz=48_000)
    assert [change.device_id for change in changes] == ["usb"]
