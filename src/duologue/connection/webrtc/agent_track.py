"""The agent's sound, from its track in a room.

A track never pauses: between two answers it carries silence. Where that was played, the agent would
speak for ever, so only sound goes on from here, with some silence before and after it. And it has
no event ids: what is on its way as the user interrupts is known only by the silence that follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np
from livekit import rtc

from duologue.audio.samples import Samples
from duologue.audio.tracks.packets import SAMPLE_RATE_HZ
from duologue.connection.webrtc.frame_pace import FramePace

FRAME_MS: Final = 10
"""As WebRTC's own buffer gives it: the first half of a packet of Opus need not wait for the second.
"""

LEAD_MS: Final = 10
"""So much of the silence before sound goes on at once with its first frame. A soft beginning is in
it, and the speaker has that much to play where a frame comes late."""

LATE_LEAD_MS: Final = 20
"""As much where frames came late lately."""

LATE_AFTER_MS: Final = 8.0
"""A frame that comes later than this has used up nearly all of the shorter lead. On a machine that
is late now and then the speaker ran dry within 0.3 s of 4.5 % of all beginnings with 10 ms, of
1.3 % with 20, and of 3 % with 20 where a frame of the second before was 8 ms late; that was so
where 13 ms were the mean."""

START_MS: Final = LEAD_MS + FRAME_MS
"""Playing begins with the first frame of sound: the network's jitter has been taken out of it."""

IN_HAND_MS: Final = 40
"""So much the speaker has in hand from the first quiet moment on, which lasts so much longer. In
answers frames came up to 25 ms later than the pace of sound, most of them less than 10."""

QUIET_UP_TO: Final = 200
"""A frame without a greater magnitude may be heard twice: -44 dBFS, as between two words."""

TAIL_MS: Final = 400
"""So much silence goes on after sound: more than a speaker pauses between two words."""

BREAK_MS: Final = 60
"""After so much silence an interrupted agent has fallen silent, and is heard again: longer than a
packet or two that got lost."""

BREAK_LIMIT_MS: Final = 500
"""So long after an interruption the agent is heard whether it has paused or not: what was on its
way has come by then, and this is something else."""

SILENT_UP_TO: Final = 32
"""A frame without a greater magnitude is silent: -60 dBFS, well above what Opus makes of zeros."""

FRAMES_LIMIT: Final = 200
"""So many frames, 2 s, wait at most in LiveKit's queue; they are taken as they come."""

STOP_LIMIT_S: Final = 1.0


class SoundOnly:
    """Tells sound, with some silence around it, from the silence between answers.

    Args:
        pace: tells how late frames come.
    """

    def __init__(self, pace: FramePace) -> None:
        self._pace = pace
        self._lead: deque[bytes] = deque(maxlen=LATE_LEAD_MS // FRAME_MS)
        self._tail_ms = 0.0
        self._withheld_ms = 0.0
        self._reserve = _Reserve()
        self._break: _Break | None = None

    def interrupt(self) -> None:
        """Let nothing be heard of what the agent was saying."""
        self._lead.clear()
        self._tail_ms = self._withheld_ms = 0.0
        self._reserve = _Reserve()
        self._break = _Break()

    def push(self, pcm: bytes) -> list[bytes]:
        """Take a frame of int16 samples at 48 kHz; give the frames that are to be heard now."""
        samples = np.frombuffer(pcm, "<i2")
        duration_ms = len(samples) * 1000 / SAMPLE_RATE_HZ
        magnitude = _magnitude(samples)
        is_silent = magnitude <= SILENT_UP_TO
        if self._break is not None:
            if not self._break.is_over_after(duration_ms, is_silent=is_silent):
                return []
            self._break = None
        if is_silent and self._tail_ms <= 0:
            self._lead.append(pcm)
            self._withheld_ms += duration_ms
            return []
        if self._tail_ms <= 0:
            self._shorten_lead()
            self._reserve.begin(self._withheld_ms, len(self._lead) * FRAME_MS)
            self._withheld_ms = 0.0
        if not is_silent:
            self._tail_ms = TAIL_MS
        heard = [*self._lead, pcm]
        self._lead.clear()
        if self._reserve.grows_with(magnitude, duration_ms):
            heard.append(pcm)
        if is_silent:
            self._tail_ms -= duration_ms * len(heard)
        return heard

    def _shorten_lead(self) -> None:
        if self._pace.late_ms <= LATE_AFTER_MS:
            while len(self._lead) > LEAD_MS // FRAME_MS:
                self._lead.popleft()


class _Reserve:
    """What the speaker has to play where a frame comes late: more from the first pause on."""

    def __init__(self) -> None:
        self._has_sounded = False
        self._in_hand_ms = 0.0

    def begin(self, withheld_ms: float, lead_ms: float) -> None:
        """Sound begins, after so much silence that was not played, and so much that is."""
        left_ms = max(0.0, self._in_hand_ms - withheld_ms)
        self._has_sounded = left_ms > 0
        self._in_hand_ms = left_ms + lead_ms

    def grows_with(self, magnitude: int, duration_ms: float) -> bool:
        """Whether this frame is to be heard twice."""
        if magnitude > QUIET_UP_TO:
            self._has_sounded = True
            return False
        if not self._has_sounded or self._in_hand_ms >= IN_HAND_MS:
            return False
        self._in_hand_ms += duration_ms
        return True


class _Break:
    """The time after an interruption, until the agent has fallen silent."""

    def __init__(self) -> None:
        self._silent_ms = 0.0
        self._passed_ms = 0.0

    def is_over_after(self, duration_ms: float, *, is_silent: bool) -> bool:
        """Whether it is over with this frame."""
        self._silent_ms = self._silent_ms + duration_ms if is_silent else 0.0
        self._passed_ms += duration_ms
        return self._silent_ms >= BREAK_MS or self._passed_ms >= BREAK_LIMIT_MS


def _magnitude(samples: Samples) -> int:
    # Not by `abs`: that of the lowest sample does not fit int16.
    return max(int(samples.max()), -int(samples.min())) if len(samples) else 0


class AgentTrack:
    """Listens to one track until it is closed, or the track ends.

    Args:
        track: what to listen to.
        heard: called with each frame that is to be heard: int16 mono samples at 48 kHz.
    """

    def __init__(self, track: rtc.Track, heard: Callable[[bytes], None]) -> None:
        self._stream = rtc.AudioStream.from_track(
            track=track,
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
            frame_size_ms=FRAME_MS,
            capacity=FRAMES_LIMIT,
        )
        self._heard = heard
        self._pace = FramePace()
        self._gate = SoundOnly(self._pace)
        self._task = asyncio.create_task(self._listen(), name="duologue agent track")

    def interrupt(self) -> None:
        """Let nothing be heard of what is on its way, until the agent has fallen silent."""
        self._gate.interrupt()

    async def close(self) -> None:
        """Listen no more, and release everything."""
        self._task.cancel()
        await asyncio.wait([self._task])
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._stream.aclose()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        async for event in self._stream:
            self._pace.note(loop.time() * 1000, event.frame.duration * 1000)
            for pcm in self._gate.push(bytes(event.frame.data)):
                self._heard(pcm)
