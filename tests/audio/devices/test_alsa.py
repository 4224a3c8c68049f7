from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue.audio.devices import alsa


@pytest.fixture
def nothing_silenced() -> Iterator[None]:
    """Let the errors be silenced anew, and forget afterwards that a fake was."""
    alsa.silence_errors.cache_clear()
    yield
    alsa.silence_errors.cache_clear()


def test_there_are_devices_where_the_kernel_lists_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    devices_file = tmp_path / "pcm"
    monkeypatch.setattr(alsa, "DEVICES_FILE", devices_file)
    assert not alsa.has_devices()
    devices_file.write_text("")
    assert not alsa.has_devices()
    devices_file.write_text("00-00: Analog : playback 1 : capture 1\n")
    assert alsa.has_devices()


@pytest.mark.usefixtures("nothing_silenced")
def test_errors_are_silenced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[object] = []

    class Library:
        def __init__(self, name: str) -> None:
            self.snd_lib_error_set_handler = handlers.append

    monkeypatch.setattr(ctypes, "CDLL", Library)
    alsa.silence_errors()
    alsa.silence_errors()
    assert len(handlers) == 1


@pytest.mark.usefixtures("nothing_silenced")
def test_without_its_library_there_is_nothing_to_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", fail)
    alsa.silence_errors()
