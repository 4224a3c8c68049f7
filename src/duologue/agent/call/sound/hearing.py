"""The user's voice: decoded, resampled, queued for the session."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from duologue.audio.resample import Resampler
from duologue.protocol.formats import AudioFormat

logger = logging.getLogger("duologue.agent.call")

RATE_HZ = 16_000
"""What the voice activity detector and the recogniser work at."""

MOST_WAITING_S = 30.0
"""Sound may come faster than real time; a client that sends an hour at once loses most of it."""


class Hearing(AudioInput):
    """Takes the client's sound and gives it to the session, frame by frame.

    Args:
        audio_format: what the client sends.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        super().__init__(label="wire")
        self._format = audio_format
        self._resampler = Resampler(audio_format.sample_rate_hz, RATE_HZ)
        self._frames: deque[rtc.AudioFrame] = deque()
        self._waiting_samples = 0
        self._arrived = asyncio.Event()
        self._is_closed = False
        self._is_overfull = False

    def seconds_of(self, audio: bytes) -> float:
        """How long a chunk lasts."""
        return len(audio) / (self._format.bytes_per_sample * self._format.sample_rate_hz)

    def push(self, audio: bytes) -> None:
        """Take a chunk as it came. If the session is 30 s behind, the oldest sound is dropped."""
        samples = self._resampler.push(self._format.decode(audio))
        if not len(samples) or self._is_closed:
            return
        self._frames.append(
            rtc.AudioFrame(
                data=samples.tobytes(),
                sample_rate=RATE_HZ,
                num_channels=1,
                samples_per_channel=len(samples),
            )
        )
        self._waiting_samples += len(samples)
        self._drop_oldest()
        self._arrived.set()

    def close(self) -> None:
        """No more sound will come; what is queued is still given."""
        self._is_closed = True
        self._arrived.set()

    async def __anext__(self) -> rtc.AudioFrame:
        while not self._frames:
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._waiting_samples -= frame.samples_per_channel
        return frame

    def _drop_oldest(self) -> None:
        is_overfull = self._waiting_samples > MOST_WAITING_S * RATE_HZ
        if is_overfull and not self._is_overfull:
            logger.warning(
                "The client is more than %.0f s ahead; its oldest sound is lost", MOST_WAITING_S
            )
        self._is_overfull = is_overfull
        while self._waiting_samples > MOST_WAITING_S * RATE_HZ and len(self._frames) > 1:
            self._waiting_samples -= self._frames.popleft().samples_per_channel
