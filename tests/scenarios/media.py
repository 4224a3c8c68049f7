"""How the pieces of a scenario's sound look on their way, so that each is known again."""

from __future__ import annotations

from itertools import groupby
from typing import Protocol

import numpy as np

from duologue.audio.samples import Samples, bytes_from_samples
from duologue.connection.webrtc.agent_track import FRAME_MS, SILENT_UP_TO, TAIL_MS
from duologue.dialogue.values import AgentAudio
from duologue.protocol.codec import Frame
from duologue.protocol.server_events import AudioEvent, ServerEvent
from tests.scenarios.scenario import PCM, PIECE_FRAMES, level_of, sound

FADED_FRAMES = 80
"""The pieces end off zero, so what follows them fades in, for 5 ms."""

ROOM_PIECE_MS = 400
"""Long enough to be counted: WebRTC was seen to stretch a piece by 60 ms, where it is the first."""

TONE_PEAK = 10_000
LOUD = 2000
WINDOW_MS = 20
GLITCH_MS = 40
"""What is no longer than this is the seam of two pieces, or a lost frame."""
HZ_PER_LEVEL = 0.5
"""The level 1000 is a tone of 500 Hz."""


class Medium(Protocol):
    """What the agent's sound goes through.

    Attributes:
        queued_ms: more than any scenario queues.
    """

    queued_ms: int

    def piece(self, event_id: int) -> bytes:
        """The sound of an event, at the scenario's format."""

    def levels(self, heard: Samples) -> tuple[int, ...]:
        """Those of the pieces in what was heard at 16 kHz, in order."""

    def carries(self, event: ServerEvent | Frame) -> bool:
        """Whether that comes as a message."""

    def has_come(self, pieces: int, told: list[AgentAudio]) -> bool:
        """Whether `on_audio` has told of so many pieces, in the main."""

    def is_complete(self, told: list[AgentAudio]) -> bool:
        """Whether nothing follows by itself what `on_audio` has told last."""


class Messages:
    """Sound comes sample by sample: each piece is one level, and one call of `on_audio`."""

    queued_ms = 2000

    def piece(self, event_id: int) -> bytes:
        """See `Medium.piece`."""
        return sound(event_id).audio

    def levels(self, heard: Samples) -> tuple[int, ...]:
        """See `Medium.levels`; what fades is of no level."""
        runs = [(level, len(list(run))) for level, run in groupby(heard.tolist()) if level]
        return tuple(
            level for level, frames in runs for _ in range((frames + FADED_FRAMES) // PIECE_FRAMES)
        )

    def carries(self, event: ServerEvent | Frame) -> bool:
        """See `Medium.carries`."""
        return True

    def has_come(self, pieces: int, told: list[AgentAudio]) -> bool:
        """See `Medium.has_come`: what the caller is told says so anyway."""
        return True

    def is_complete(self, told: list[AgentAudio]) -> bool:
        """See `Medium.is_complete`."""
        return True


class Track:
    """Sound goes through a codec in real time: each piece is a tone, and many calls."""

    queued_ms = 6000

    def piece(self, event_id: int) -> bytes:
        """See `Medium.piece`."""
        times_s = np.arange(PCM.sample_rate_hz * ROOM_PIECE_MS // 1000) / PCM.sample_rate_hz
        tone = np.sin(2 * np.pi * HZ_PER_LEVEL * level_of(event_id) * times_s)
        return bytes(bytes_from_samples((TONE_PEAK * tone).astype(np.int16)))

    def levels(self, heard: Samples) -> tuple[int, ...]:
        """See `Medium.levels`; a tone that lasts for two pieces is two."""
        size = PCM.sample_rate_hz * WINDOW_MS // 1000
        whole = heard[: len(heard) - len(heard) % size].reshape(-1, size)
        runs = [
            (level, WINDOW_MS * len(list(run)))
            for level, run in groupby(map(_level, whole))
            if level
        ]
        lasting = [(level, duration_ms) for level, duration_ms in runs if duration_ms > GLITCH_MS]
        return tuple(
            level
            for level, same in groupby(lasting, key=lambda run: run[0])
            for _ in range(round(sum(duration_ms for _, duration_ms in same) / ROOM_PIECE_MS))
        )

    def carries(self, event: ServerEvent | Frame) -> bool:
        """See `Medium.carries`: of sound, only the captions do."""
        return not isinstance(event, AudioEvent) or event.alignment is not None

    def has_come(self, pieces: int, told: list[AgentAudio]) -> bool:
        """See `Medium.has_come`: half of the last piece may be still on its way."""
        loud_ms = FRAME_MS * sum(_peak(audio) > LOUD for audio in told)
        return loud_ms > (pieces - 0.5) * ROOM_PIECE_MS

    def is_complete(self, told: list[AgentAudio]) -> bool:
        """See `Medium.is_complete`: after the tail, silence is not told."""
        tail = told[-(TAIL_MS // FRAME_MS) :]
        return all(_peak(audio) <= SILENT_UP_TO for audio in tail)


def _peak(audio: AgentAudio) -> int:
    samples = np.frombuffer(audio.pcm, "<i2").astype(np.int32)
    return int(np.abs(samples).max(initial=0))


def _level(window: Samples) -> int:
    """The level whose tone is loudest in the window; 0 if it is soft."""
    if np.abs(window.astype(np.int32)).max() < LOUD:
        return 0
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window))))
    loudest_hz = float(np.argmax(spectrum)) * 1000 / WINDOW_MS
    return 1000 * round(loudest_hz / HZ_PER_LEVEL / 1000)
