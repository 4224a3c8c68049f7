"""The agent's voice: paced, cut into chunks, encoded.

It stands where livekit-agents has an audio output. It cannot pause: an interruption is certain
by the time it comes here, and a client throws its queue away at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from duologue.agent.call.floor import Floor
from duologue.agent.call.sound.pacing import Pacer, Samples
from duologue.agent.call.sound.spoken_text import SpokenText
from duologue.audio.resample import Resampler
from duologue.protocol.formats import AudioFormat
from duologue.protocol.server_events import Alignment

MOST_WAITING_MS = 30_000.0
"""The synthesiser is kept waiting beyond this: 30 s at 48 kHz are 3 MB a call."""


class VoiceListener(Protocol):
    """What is told about the voice of each reply."""

    def voice_chunk(self, audio: bytes, alignment: Alignment | None) -> None:
        """A chunk goes out now."""

    def voice_started(self) -> None:
        """The first chunk has gone out."""

    def voice_interrupted(self) -> str:
        """The user interrupts. Return the whole reply as far as it is written."""

    def voice_heard(self, heard: str) -> None:
        """After an interruption: what of the reply had been heard."""

    def voice_finished(self) -> None:
        """The client has played the last of it."""


class PacedPlayback(AudioOutput):
    """Sends what it is given at most half a second ahead of real time.

    Args:
        audio_format: what the client is sent.
        listener: gets the chunks.
        floor: keeps a reply from beginning while the user is busy.
        delay_ms: how long sound is on its way to the client, one way.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        listener: VoiceListener,
        floor: Floor,
        delay_ms: Callable[[], float],
    ) -> None:
        super().__init__(label="paced", capabilities=AudioOutputCapabilities(pause=False))
        self._format = audio_format
        self._listener = listener
        self._floor = floor
        self._delay_ms = delay_ms
        self._reply: _Reply | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_room = asyncio.Event()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take sound, at any speed; waits while more than 30 s have not been sent."""
        await super().capture_frame(frame)
        if self._reply is None:
            self._reply = _Reply(self._format)
        self._reply.push(frame)
        self._advance()
        while self._reply is not None and self._reply.pacer.waiting_ms > MOST_WAITING_MS:
            self._has_room.clear()
            await self._has_room.wait()

    def flush(self) -> None:
        """The reply is complete."""
        super().flush()
        if self._reply is not None:
            self._reply.finish()
            self._advance()

    def clear_buffer(self) -> None:
        """The user interrupts: nothing more goes out, and the client is told."""
        reply = self._end_reply()
        written = self._listener.voice_interrupted()
        if reply is None:
            return
        heard_ms = reply.pacer.heard_ms(_now_ms() - self._delay_ms())
        heard = reply.heard(written, heard_ms)
        self._listener.voice_heard(heard)
        self.on_playback_finished(
            playback_position=heard_ms / 1000, interrupted=True, synchronized_transcript=heard
        )

    def _advance(self) -> None:
        """Send what is due, and come back when the next is, or when all has been played."""
        self._stop_timer()
        reply = self._reply
        if reply is None:
            return
        free_at_ms = self._floor.free_at_s * 1000
        if not reply.is_started and _now_ms() < free_at_ms:
            self._call_at(free_at_ms, self._advance)
            return
        while (chunk := reply.pacer.take(_now_ms())) is not None:
            self._send(reply, chunk)
        if reply.pacer.waiting_ms < MOST_WAITING_MS:
            self._has_room.set()
        if (due_ms := reply.pacer.due_ms()) is not None:
            self._call_at(due_ms, self._advance)
        elif (ends_ms := reply.pacer.ends_ms) is not None:
            self._call_at(ends_ms + self._delay_ms(), self._finish)

    def _send(self, reply: _Reply, chunk: Samples) -> None:
        self._listener.voice_chunk(self._format.encode(chunk), reply.take_alignment(chunk))
        if not reply.is_started:
            reply.is_started = True
            self._listener.voice_started()
            self.on_playback_started(created_at=time.time())

    def _finish(self) -> None:
        reply = self._end_reply()
        if reply is None:
            return
        self._listener.voice_finished()
        self.on_playback_finished(playback_position=reply.pacer.sent_ms / 1000, interrupted=False)

    def _end_reply(self) -> _Reply | None:
        self._stop_timer()
        reply, self._reply = self._reply, None
        self._has_room.set()
        return reply

    def _call_at(self, at_ms: float, call: Callable[[], None]) -> None:
        delay_s = max(0.0, at_ms - _now_ms()) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay_s, call)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Reply:
    """The sound of one reply on its way, in the client's format."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._rate_hz = audio_format.sample_rate_hz
        self.pacer = Pacer(self._rate_hz)
        self.is_started = False
        self._is_complete = False
        self._text = SpokenText()
        self._resampler: Resampler | None = None

    def push(self, frame: rtc.AudioFrame) -> None:
        if self._resampler is None:
            self._resampler = Resampler(frame.sample_rate, self._rate_hz)
        for text in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, []):
            self._add_text(text)
        self.pacer.push(self._resampler.push(np.frombuffer(frame.data, dtype=np.int16)))

    def finish(self) -> None:
        if self._resampler is not None:
            self.pacer.push(self._resampler.flush())
        self.pacer.finish()
        self._is_complete = True

    def take_alignment(self, chunk: Samples) -> Alignment | None:
        """The alignment of the chunk that the pacer gave last."""
        end_ms = self.pacer.sent_ms
        start_ms = end_ms - len(chunk) * 1000 / self._rate_hz
        is_last = self._is_complete and not self.pacer.waiting_ms
        return self._text.take_alignment(start_ms, float("inf") if is_last else end_ms)

    def heard(self, written: str, heard_ms: float) -> str:
        return self._text.heard(written, heard_ms, self.pacer.sent_ms + self.pacer.waiting_ms)

    def _add_text(self, text: TimedString) -> None:
        start_s = text.start_time if isinstance(text.start_time, float | int) else 0.0
        end_s = text.end_time if isinstance(text.end_time, float | int) else None
        self._text.add(str(text), start_s * 1000, None if end_s is None else end_s * 1000)


def _now_ms() -> float:
    return time.monotonic() * 1000
