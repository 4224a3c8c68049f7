"""The microphone's side: what a source delivers becomes exact chunks at the rate of the wire."""

from __future__ import annotations

from typing import Protocol

from duologue.audio.analyser import BINS
from duologue.audio.capture.pushed_blocks import PushedBlocks
from duologue.audio.chunker import Chunker
from duologue.audio.meters import Meters
from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, milliseconds, samples_from_bytes, silence

AT_ONCE_MS = 20
"""So much is worked on at once, or as much as completes the next chunk, if that is less: it would
only wait for the rest of the chunk. On a machine that does other things between, two frames of
10 ms at once take 0.7 times as long as one by one, four of them half as long."""


class Processor(Protocol):
    """What a microphone's sound may be put through, see `VoiceProcessor`."""

    @property
    def held(self) -> int:
        """How many samples wait for what comes next."""

    def process(self, samples: Samples) -> Samples:
        """Take samples at the rate of the wire; give what is ready."""


class Capture:
    """Resamples, processes, mutes and chunks what a source delivers.

    `push` belongs to the source's thread; everything else may be used from any thread.

    Attributes:
        muted: while true, silence takes the place of the sound, at the same pace. Of what waits for
            the rest of its chunk, nothing goes out if a piece of it came while this was true.
    """

    def __init__(
        self,
        source_rate_hz: int,
        wire_rate_hz: int,
        chunk_ms: int,
        processor: Processor | None = None,
    ) -> None:
        """
        Args:
            processor: what takes the echo and the noise out of the sound, if anything does.

        Raises:
            ValueError: a rate is below 1, or `chunk_ms` is not within 5 to 1000.
        """
        self.muted = False
        self._was_muted = False
        self._arrived = PushedBlocks()
        self._resampler = Resampler(source_rate_hz, wire_rate_hz)
        self._resampler.prime()
        # By so much a resampler may be ahead of what has gone in.
        self._rounding = int(source_rate_hz != wire_rate_hz)
        self._processor = processor
        self._is_plain = processor is None and source_rate_hz == wire_rate_hz
        self._chunker = Chunker(wire_rate_hz, chunk_ms)
        self._meters = Meters(wire_rate_hz)
        self._wire_rate_hz = wire_rate_hz
        self._at_once = wire_rate_hz * AT_ONCE_MS // 1000
        self._frames_captured = 0

    def push(self, data: memoryview) -> list[Samples]:
        """Take what the source delivered; return the chunks that are now complete, in order.

        Raises:
            ValueError: the number of bytes is odd.
        """
        if self._is_plain and self._is_chunk(data):
            return [self._plain_chunk(data)]
        self._was_muted = self._was_muted or self.muted
        arrived = self._arrived.push(data, self._worth_working_on())
        if not len(arrived):
            return []
        is_muted, self._was_muted = self._was_muted or self.muted, False
        samples = self._resampler.push(arrived)
        if self._processor is not None:
            samples = self._processor.process(samples)
        if not len(samples):
            return []
        if is_muted:
            # After all else, so that it runs on, still knows the room's echo, and unmuting starts
            # without a gap.
            samples = silence(len(samples))
        self._meters.push(samples)
        self._frames_captured += len(samples)
        return self._chunker.push(samples)

    def _is_chunk(self, data: memoryview) -> bool:
        """True of what sources without a device deliver: it is a chunk already."""
        return data.nbytes == 2 * self._chunker.missing and not (
            self._chunker.pending or self._arrived.held_bytes
        )

    def _plain_chunk(self, data: memoryview) -> Samples:
        samples = silence(self._chunker.missing) if self.muted else samples_from_bytes(bytes(data))
        self._meters.push(samples)
        self._frames_captured += len(samples)
        (chunk,) = self._chunker.push(samples)
        return chunk

    def _worth_working_on(self) -> int:
        """So many samples of the source at least: with fewer, no chunk is complete."""
        held = 0 if self._processor is None else self._processor.held
        wanted = min(self._chunker.missing, self._at_once) - held - self._rounding
        return wanted * self._resampler.from_rate_hz // self._wire_rate_hz

    def level(self) -> float:
        """The loudness of the last 50 ms that went out, 0 to 1; 0 while muted."""
        return self._meters.level()

    def voice_range_data(self) -> bytes:
        """The spectrum of what goes out, see `Analyser.voice_range_data`; zeros while muted."""
        return bytes(BINS) if self.muted else self._meters.voice_range_data()

    @property
    def captured_ms(self) -> float:
        """How much sound of the source has been worked on, silence while muted included."""
        return milliseconds(self._frames_captured, self._wire_rate_hz)
