"""Any sink, with all that it plays written to a WAV file beside."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from duologue.audio.endpoints import Sink, Switchable, log_failure
from duologue.audio.files.writing import WavWriter
from duologue.audio.samples import samples_from_bytes
from duologue.dialogue.values import DeviceChange
from duologue.errors import AudioFileError


class SwitchableSink(Sink, Switchable, Protocol):
    """A sink that can go on with another device."""


def _ignore_change(change: DeviceChange) -> None:
    """Nobody wants to know."""


class WavTap:
    """A sink that plays on another one, and writes what it plays to a WAV file as it goes.

    If the file cannot be written any more, that is reported once and the sound goes on without it.
    `start` and `stop` may be called from one thread at a time.
    """

    def __init__(self, sink: Sink, path: str | os.PathLike[str]) -> None:
        self.sample_rate_hz = sink.sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self._sink = sink
        self._path = Path(path)
        self._writer: WavWriter | None = None

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Create the file, or replace it, and start the other sink.

        Raises:
            AudioFileError: the file cannot be written.
            DeviceError: the other sink cannot be started.
        """
        writer = WavWriter(self._path, self.sample_rate_hz)
        self._writer = writer

        def render_and_write(frames: int) -> memoryview:
            block = render(frames)
            self._write(block)
            return block

        self._sink.failed = lambda error: self.failed(error)
        try:
            self._sink.start(render_and_write)
        except BaseException:
            self._close()
            raise

    def stop(self) -> None:
        """Stop the other sink and complete the file. Without effect if not running.

        Raises:
            AudioFileError: the end of the file cannot be written.
        """
        try:
            self._sink.stop()
        finally:
            self._close()

    def _write(self, block: memoryview) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(samples_from_bytes(block))
        except AudioFileError as error:
            with suppress(AudioFileError):  # the same again, as it is closed
                self._close()
            self.failed(error)

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


class SwitchableTap(WavTap):
    """A tap of a sink that can be switched, and so can be switched itself.

    Attributes:
        changed: see `Switchable`.
    """

    def __init__(self, sink: SwitchableSink, path: str | os.PathLike[str]) -> None:
        super().__init__(sink, path)
        self.changed: Callable[[DeviceChange], None] = _ignore_change
        self._switchable = sink
        sink.changed = lambda change: self.changed(change)

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        """Go on with another device, in the same file; see `Switchable.switch`."""
        self._switchable.switch(device_id, device_rate_hz=device_rate_hz)
