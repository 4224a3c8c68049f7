"""The sound of one conversation: microphone to server, server to speaker.

Devices call from threads of their own. What they have to say is handed to the event loop at once;
only samples are worked on in their threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from duologue.audio.analyser import BINS, level_of
from duologue.audio.capture.chunks import Capture
from duologue.audio.devices.punctuality import Punctuality
from duologue.audio.endpoints import Sink, Source, Switchable
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.hand_over import call_in_loop
from duologue.audio.playout.player import Playout
from duologue.audio.samples import samples_from_bytes
from duologue.conversation.clock import clock_of
from duologue.conversation.options.sound import UNTREATED, Treatment
from duologue.conversation.sound.counters import AudioCounters
from duologue.conversation.sound.device import Device
from duologue.conversation.sound.last_voiced import LastVoiced
from duologue.conversation.sound.switching import switched
from duologue.conversation.sound.treatment import SoundTreatment
from duologue.dialogue.values import AgentAudio, DeviceChange
from duologue.protocol.formats import AudioFormat

HICCUP_S: Final = 0.1
"""A speaker that has run dry for less is still in the middle of what it plays. The frames of
WebRTC came up to 25 ms late, in 50 s of answers, and sound begins anew only when 30 ms wait."""

LONGEST_BLOCK_MS: Final = 40
"""Of longer chunks a source in memory delivers the usual blocks: levels and muting follow them."""


@dataclass(frozen=True, kw_only=True)
class SoundEvents:
    """Whom to tell what; all are called in the event loop.

    Attributes:
        chunk: the next piece of the user's sound, encoded for the wire.
        playing: the agent began to be heard (True), or nothing is left to play (False).
        audible: the first audible sample of an answer was played then (in ms).
        changed: another device is in use than was, or than was asked for.
        failed: the "microphone", the "speaker" or the "recording" met with this; a device that is
            lost is replaced.
    """

    chunk: Callable[[bytes], None]
    playing: Callable[[bool], None]
    audible: Callable[[float], None]
    changed: Callable[[DeviceChange], None]
    failed: Callable[[str, Exception], None]


class Sound:
    """Joins a source and a sink to a conversation.

    Times are those of `clock_of` its event loop, in ms.
    """

    def __init__(
        self,
        *,
        source: Source,
        sink: Sink,
        input_format: AudioFormat,
        chunk_ms: int,
        start_ms: int,
        events: SoundEvents,
        wanted: Treatment = UNTREATED,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock_s = clock_of(self._loop)
        self._input_format = input_format
        self._chunk_ms = chunk_ms
        self._events = events
        self._voiced = LastVoiced(input_format.sample_rate_hz)
        self._treatment = SoundTreatment(
            wanted,
            capture_rate_hz=input_format.sample_rate_hz,
            playback_rate_hz=sink.sample_rate_hz,
            failed=lambda error: self._tell(events.failed, "recording", error),
            clock_s=self._clock_s,
        )
        self._is_treated = wanted.processes or wanted.record is not None
        self._capture = Capture(
            source.sample_rate_hz,
            input_format.sample_rate_hz,
            chunk_ms,
            self._treatment if wanted.processes else None,
        )
        self._playout = Playout(
            sink.sample_rate_hz,
            start_ms=start_ms,
            on_change=lambda playing, at_s: self._tell(self._playing_changed),
            on_audible=lambda event_id, at_s: self._tell(events.audible, at_s * 1000),
            clock=self._clock_s,
        )
        source.failed = lambda error: self._tell(events.failed, "microphone", error)
        sink.failed = lambda error: self._tell(events.failed, "speaker", error)
        for endpoint in (source, sink):
            if isinstance(endpoint, Switchable):
                endpoint.changed = self._device_changed
        if isinstance(source, PacedEndpoint) and chunk_ms <= LONGEST_BLOCK_MS:
            source.block_ms = chunk_ms  # less would only wait here for the rest of its chunk
        for endpoint in (source, sink):
            if isinstance(endpoint, PacedEndpoint):
                endpoint.loop = self._loop
        self._captures, self._renders = Punctuality(), Punctuality()
        self._dry: asyncio.TimerHandle | None = None
        self._understands_source = True
        self._is_over = False
        self._received_ms = 0.0
        self._source, self._sink = source, sink
        self._preparation = Device("sound", self._treatment.start, self._treatment.stop)
        self._microphone = Device("microphone", lambda: source.start(self._captured), source.stop)
        self._speaker = Device("speaker", lambda: sink.start(self._rendered), sink.stop)

    async def start(self) -> None:
        """Start speaker and microphone; if one fails, neither runs.

        Cancelling waits until they have answered, and stops them again.

        Raises:
            DeviceError: a device cannot be opened, or not within 10 s.
            AudioFileError: the recording cannot be written.
            ValueError: a rate cannot be processed.
            Exception: whatever else a source or sink of the caller's own raises.
        """
        try:
            await self._preparation.open()
            await self._speaker.open()
            await self._microphone.open()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop microphone and speaker, each even if the other hangs, within 3 s."""
        self._is_over = True
        if self._dry is not None:
            self._dry.cancel()
        await asyncio.gather(
            self._microphone.close(), self._speaker.close(), self._preparation.close()
        )

    async def switch_input(self, device_id: str | None, device_rate_hz: int | None) -> None:
        """See `VoiceConversation.change_input_device`."""
        await switched("microphone", self._source, device_id, device_rate_hz)

    async def switch_output(self, device_id: str | None, device_rate_hz: int | None) -> None:
        """See `VoiceConversation.change_output_device`."""
        await switched("speaker", self._sink, device_id, device_rate_hz)

    def play(self, audio: AgentAudio) -> None:
        """Let a piece of the agent's speech be heard after what is queued."""
        self._received_ms += audio.duration_ms
        samples = samples_from_bytes(audio.pcm)
        self._playout.enqueue(samples, audio.format.sample_rate_hz, audio.event_id)

    def silence(self) -> None:
        """Be silent at once, and forget what is queued."""
        self._playout.interrupt()

    def set_volume(self, volume: float) -> None:
        """Set the speaker's volume; see `Playout.set_volume`."""
        self._playout.set_volume(volume)

    def set_muted(self, muted: bool) -> None:
        """Let silence take the place of the user's sound, or end that."""
        self._capture.muted = muted

    @property
    def input_level(self) -> float:
        """The loudness of the last 50 ms that went out, 0 to 1."""
        return self._capture.level()

    @property
    def output_level(self) -> float:
        """The loudness of the last 50 ms that were played, 0 to 1."""
        return self._playout.level()

    def input_byte_frequency_data(self) -> bytes:
        """See `VoiceConversation.get_input_byte_frequency_data`."""
        return bytes(BINS) if self._is_over else self._capture.voice_range_data()

    def output_byte_frequency_data(self) -> bytes:
        """See `VoiceConversation.get_output_byte_frequency_data`."""
        return bytes(BINS) if self._is_over else self._playout.voice_range_data()

    def input_volume(self) -> float:
        """See `VoiceConversation.get_input_volume`."""
        return level_of(self.input_byte_frequency_data())

    def output_volume(self) -> float:
        """See `VoiceConversation.get_output_volume`."""
        return level_of(self.output_byte_frequency_data())

    def played_ms(self, event_id: int) -> float:
        """How much of one response has been played."""
        return self._playout.played_ms(event_id)

    def take_voiced_ms(self) -> float | None:
        """Until when the user's voice went out; None if it did not, since this was asked."""
        return self._voiced.take_ms()

    def counters(self) -> AudioCounters:
        """What became of the sound here; what became of messages is left at 0."""
        return AudioCounters(
            captured_ms=self._capture.captured_ms,
            late_captures=self._captures.late_calls,
            received_ms=self._received_ms,
            played_ms=self._playout.total_played_ms,
            queued_ms=self._playout.queued_ms,
            dropped_ms=self._playout.dropped_ms,
            underruns=self._playout.underruns,
            underrun_ms=self._playout.underrun_ms,
            late_renders=self._renders.late_calls,
        )

    def _device_changed(self, change: DeviceChange) -> None:
        self._treatment.device_changed()
        self._tell(self._events.changed, change)

    def _captured(self, data: memoryview) -> None:
        """In the source's thread: hand complete chunks to the loop."""
        if not self._understands_source:
            return
        now_ms = self._clock_s() * 1000
        self._captures.note(now_ms / 1000, data.nbytes / 2 / self._source.sample_rate_hz)
        try:
            chunks = self._capture.push(data)
        except ValueError as error:  # a source of the caller's own delivered half a sample
            self._understands_source = False  # or it would be reported 50 times a second
            self._tell(self._events.failed, "microphone", error)
            return
        now_ms -= (len(chunks) - 1) * self._chunk_ms
        for chunk in chunks:
            if self._is_treated:
                self._treatment.captured(chunk)
            self._voiced.push(chunk, now_ms)
            now_ms += self._chunk_ms
            call_in_loop(self._loop, self._events.chunk, self._input_format.encode(chunk))

    def _rendered(self, frames: int) -> memoryview:
        """In the sink's thread: give what is to be heard now."""
        self._renders.note(self._clock_s(), frames / self._sink.sample_rate_hz)
        block = self._playout.render(frames)
        if self._is_treated:
            self._treatment.played(samples_from_bytes(block))
        return block

    def _playing_changed(self) -> None:
        if self._dry is not None:
            self._dry.cancel()
            self._dry = None
        if self._is_playing():
            self._events.playing(True)
        elif not self._is_over:
            self._dry = self._loop.call_later(HICCUP_S, self._ran_dry)

    def _ran_dry(self) -> None:
        self._dry = None
        self._events.playing(self._is_playing())

    def _is_playing(self) -> bool:
        # Asked now, not when it was reported: sound may have arrived in between.
        return self._playout.is_playing or self._playout.queued_ms > 0

    def _tell(self, listener: Callable[..., None], *arguments: object) -> None:
        call_in_loop(self._loop, listener, *arguments)
