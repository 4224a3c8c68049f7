"""The speaker's side: jitter buffer, volume, fades and play-out clock, the same for every sink.

The play-out clock counts samples as the sink takes them. What lies behind the sink (the device's
own buffer) is not known here, so every time given is that of rendering.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from duologue.audio.gain import RampedGain
from duologue.audio.meters import Meters
from duologue.audio.playout.jitter_buffer import START_MS, StartThreshold
from duologue.audio.playout.queue import PlayoutQueue, Run
from duologue.audio.playout.seams import Seams
from duologue.audio.samples import NOTHING, Samples, bytes_from_samples, milliseconds

_logger = logging.getLogger("duologue")

MAX_QUEUED_MS = 10 * 60 * 1000
"""Beyond ten minutes that wait, what arrives is dropped: the sound being heard stays whole."""

FADE_MS = 5
"""An interruption fades this long: no click, and with a block of 10 ms silent within 15 ms."""

UTTERANCE_GAP_MS = 300
"""A longer gap between two sounds separates utterances, unless both have the same event id."""

AUDIBLE_ABOVE = 200
"""A sample is audible if its magnitude is greater: -44 dBFS, above a synthesiser's noise."""

REMEMBERED_EVENTS = 256
"""For how many of the latest events the samples played are remembered."""

_INTAKE_SLICE_S = 1
"""Enqueueing converts so much at a time: 0.4 ms, the longest that `render` waits for it."""


def _ignore_change(playing: bool, at_monotonic_s: float) -> None:
    """Nobody wants to know."""


def _ignore_audible(event_id: int | None, at_monotonic_s: float) -> None:
    """Nobody wants to know."""


class Playout:
    """Plays what is enqueued when the sink asks for it. Thread-safe.

    `render` belongs to the sink's thread; everything else may be called from any thread. The two
    callbacks are called in the sink's thread, without any lock held; they have to return quickly.
    """

    def __init__(
        self,
        sample_rate_hz: int,
        *,
        start_ms: int = START_MS,
        on_change: Callable[[bool, float], None] = _ignore_change,
        on_audible: Callable[[int | None, float], None] = _ignore_audible,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            sample_rate_hz: the sink's rate.
            start_ms: how much sound has to wait before playing begins; see `jitter_buffer`.
            on_change: called with (True, when) as sound begins to play and (False, when) as it has
                run dry or ended after an interruption; when is in seconds of `clock`.
            on_audible: called with (event id, when) for the first audible sample of each utterance.
                An utterance ends when it is interrupted, or followed by 300 ms without sound.
                The volume does not count: an agent is not late because it is turned down.
        """
        self.sample_rate_hz = sample_rate_hz
        self._on_change = on_change
        self._on_audible = on_audible
        self._clock = clock
        # Whoever needs both takes _intake first. `render` takes only _lock, which nobody holds
        # longer than the conversion of one slice takes.
        self._intake = threading.Lock()
        self._lock = threading.Lock()
        self._queue = PlayoutQueue(sample_rate_hz, MAX_QUEUED_MS * sample_rate_hz // 1000)
        self._start = StartThreshold(sample_rate_hz, start_ms)
        self._seams = Seams(sample_rate_hz)
        self._gain = RampedGain(sample_rate_hz)
        self._meters = Meters(sample_rate_hz)
        self._is_playing = False
        self._awaits_audible = True
        self._frames_since_sound = 0
        self._latest_event_id: int | None = None
        self._fade_frames: int | None = None
        self._was_emptied = False
        self._frames_played = 0
        self._frames_played_of_event: OrderedDict[int | None, int] = OrderedDict()
        self._frames_dropped = 0
        self._underruns = 0
        self._frames_underrun = 0

    def enqueue(self, samples: Samples, sample_rate_hz: int, event_id: int | None) -> None:
        """Append sound to what waits, converted to the sink's rate.

        Beyond ten minutes that wait it is dropped and counted (`dropped_ms`).

        Raises:
            ValueError: `sample_rate_hz` is below 1.
        """
        slice_frames = max(1, sample_rate_hz * _INTAKE_SLICE_S)
        with self._intake:
            if len(samples) <= slice_frames:
                with self._lock:
                    self._frames_dropped += self._queue.put(samples, sample_rate_hz, event_id)
                return
            for start in range(0, len(samples), slice_frames):
                part = samples[start : start + slice_frames]
                with self._lock:
                    self._frames_dropped += self._queue.put(part, sample_rate_hz, event_id)

    def interrupt(self) -> None:
        """Drop all that waits. What is being played fades within 5 ms of sound.

        What had not begun to be heard is not heard at all; `on_change` tells its end all the same.
        """
        with self._intake, self._lock:
            if self._is_playing:
                whole_fade = FADE_MS * self.sample_rate_hz // 1000
                self._queue.fade_out(whole_fade if self._fade_frames is None else self._fade_frames)
                self._fade_frames = self._queue.waiting_frames
            elif self._queue.waiting_frames:
                self._queue.fade_out(0)
                self._was_emptied = True
            self._awaits_audible = True
            self._latest_event_id = None

    def set_volume(self, volume: float) -> None:
        """Set the volume: 0 is silent, 1 is as received; what is beyond is clamped.

        Raises:
            ValueError: it is not a finite number.
        """
        if not math.isfinite(volume):
            raise ValueError(f"a volume is a number from 0 to 1, not {volume}")
        with self._lock:
            self._gain.target = min(1.0, max(0.0, volume))

    def render(self, frames: int) -> memoryview:
        """Return exactly `frames` samples: what comes next, and zeros where nothing does."""
        now_s = self._clock()
        reports: list[Callable[[], None]] = []
        with self._lock:
            runs = self._next_runs(frames)
            self._follow(runs, frames, now_s, reports)
            block = self._gain.apply(self._seams.join(_joined(runs), frames))
            self._meters.push(block)
        for report in reports:
            _call_safely(report)
        return bytes_from_samples(block)

    @property
    def is_playing(self) -> bool:
        """Whether the sink was given sound to the end of the last block."""
        return self._is_playing

    @property
    def queued_ms(self) -> float:
        """How much sound waits to be played."""
        with self._lock:
            return milliseconds(self._queue.waiting_frames, self.sample_rate_hz)

    @property
    def total_played_ms(self) -> float:
        """How much of the agent's sound has been played in all."""
        return milliseconds(self._frames_played, self.sample_rate_hz)

    def played_ms(self, event_id: int | None) -> float:
        """How much of one event has been played; 0 for one that is not among the latest 256."""
        with self._lock:
            frames = self._frames_played_of_event.get(event_id, 0)
        return milliseconds(frames, self.sample_rate_hz)

    @property
    def dropped_ms(self) -> float:
        """How much sound was dropped because ten minutes were waiting."""
        return milliseconds(self._frames_dropped, self.sample_rate_hz)

    @property
    def underruns(self) -> int:
        """How often sound ran dry within an utterance: for up to 300 ms, or in one event id."""
        return self._underruns

    @property
    def underrun_ms(self) -> float:
        """How long the gaps within utterances were in all."""
        return milliseconds(self._frames_underrun, self.sample_rate_hz)

    def level(self) -> float:
        """The loudness of the last 50 ms played, 0 to 1, after the volume."""
        return self._meters.level()

    def voice_range_data(self) -> bytes:
        """The spectrum of what is played, after the volume; see `Analyser.voice_range_data`."""
        return self._meters.voice_range_data()

    def _next_runs(self, frames: int) -> list[Run]:
        """What is to be heard of the next block, which is nothing until enough waits."""
        if self._fade_frames is not None:  # what follows it is a beginning of its own
            fade = self._queue.take(min(frames, self._fade_frames))
            self._fade_frames -= sum(len(run.samples) for run in fade)
            return fade
        if self._is_playing or self._start.reached(self._queue.waiting_frames, frames):
            return self._queue.take(frames)
        return []

    def _follow(
        self, runs: list[Run], frames: int, now_s: float, reports: list[Callable[[], None]]
    ) -> None:
        """Bring the state up to date with a block of `frames` that begins with `runs`."""
        if self._goes_on_with(runs, frames):
            self._latest_event_id = runs[-1].event_id
            for run in runs:
                self._count(run)
            return
        position = 0
        for run in runs:
            self._begin_sound(run, now_s + position / self.sample_rate_hz, reports)
            self._find_audible(run, now_s + position / self.sample_rate_hz, reports)
            self._count(run)
            position += len(run.samples)
        if position < frames:
            self._miss_sound(frames - position, now_s + position / self.sample_rate_hz, reports)

    def _goes_on_with(self, runs: list[Run], frames: int) -> bool:
        """True of most blocks by far: sound goes on, and nothing begins or ends."""
        if not self._is_playing or self._awaits_audible:
            return False
        for run in runs:
            if run.is_fade:
                return False
            frames -= len(run.samples)
        return not frames

    def _begin_sound(self, run: Run, at_s: float, reports: list[Callable[[], None]]) -> None:
        goes_on = run.event_id is not None and run.event_id == self._latest_event_id
        if not run.is_fade:  # a fade is the end of what was interrupted
            self._latest_event_id = run.event_id
        if self._is_playing:
            return
        if goes_on or not self._awaits_audible:
            self._underruns += 1
            self._frames_underrun += self._frames_since_sound
        self._is_playing = True
        self._frames_since_sound = 0
        reports.append(lambda: self._on_change(True, at_s))

    def _find_audible(self, run: Run, at_s: float, reports: list[Callable[[], None]]) -> None:
        if run.is_fade or not self._awaits_audible:
            return
        audible = np.flatnonzero(np.abs(run.samples.astype(np.int32)) > AUDIBLE_ABOVE)
        if len(audible):
            self._awaits_audible = False
            heard_at_s = at_s + int(audible[0]) / self.sample_rate_hz
            reports.append(lambda: self._on_audible(run.event_id, heard_at_s))

    def _count(self, run: Run) -> None:
        frames = len(run.samples)
        self._frames_played += frames
        played = self._frames_played_of_event
        played[run.event_id] = played.get(run.event_id, 0) + frames
        if len(played) > REMEMBERED_EVENTS:
            played.popitem(last=False)

    def _miss_sound(self, frames: int, at_s: float, reports: list[Callable[[], None]]) -> None:
        if self._is_playing or self._was_emptied:
            self._is_playing = self._was_emptied = False
            self._fade_frames = None
            reports.append(lambda: self._on_change(False, at_s))
        self._frames_since_sound += frames
        if milliseconds(self._frames_since_sound, self.sample_rate_hz) > UTTERANCE_GAP_MS:
            self._awaits_audible = True


def _joined(runs: list[Run]) -> Samples:
    if not runs:
        return NOTHING
    if len(runs) == 1:
        return runs[0].samples
    return np.concatenate([run.samples for run in runs])


def _call_safely(report: Callable[[], None]) -> None:
    try:
        report()
    except Exception:
        _logger.exception("A callback of the play-out raised; the sound goes on")
