"""A source for sound that comes from somewhere else, at its own pace."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from duologue.audio.bridges.encodings import Decoder, Encoding, Sound, checked_encoding
from duologue.audio.endpoints import log_failure
from duologue.audio.samples import Samples, bytes_from_samples, milliseconds

KEPT_BEFORE_START_MS: Final = 1000
"""So much of what is pushed before the conversation is there is kept for it, the latest of it."""


class PushedMicrophone:
    """A source that is fed from a socket, a phone call or another program.

        microphone = PushedMicrophone(8000, encoding="ulaw")
        async with Conversation.start_session(agent_id="guide", microphone=microphone) as …:
            async for message in socket:
                microphone.push(base64.b64decode(message["payload"]))

    It keeps no time: whoever pushes does, as a phone network does by sending 20 ms every 20 ms.
    What is pushed faster waits for the server, up to 1 s of it; of more the oldest is dropped, see
    `AudioCounters.chunks_dropped`. Between pushes nothing is sent.

    `push` may be called from any thread and in any event loop, by one at a time.

    Attributes:
        sample_rate_hz: samples a second of what is pushed.
    """

    def __init__(self, sample_rate_hz: int = 16_000, *, encoding: Encoding = "pcm") -> None:
        """
        Args:
            sample_rate_hz: samples a second; the conversation may have another rate.
            encoding: of bytes: `pcm` (int16, little-endian), `ulaw` or `alaw`.

        Raises:
            ValueError: `sample_rate_hz` is below 1, or the encoding is unknown.
        """
        if sample_rate_hz < 1:
            raise ValueError(f"a sample rate is a positive number of Hz, not {sample_rate_hz}")
        self.sample_rate_hz = sample_rate_hz
        self.failed: Callable[[Exception], None] = log_failure
        self._decoder = Decoder(checked_encoding(encoding))
        self._lock = threading.Lock()
        self._deliver: Callable[[memoryview], None] | None = None
        self._is_over = False
        self._early: deque[Samples] = deque()
        self._early_frames = 0
        self._frames_pushed = 0
        self._frames_dropped = 0

    @property
    def pushed_ms(self) -> float:
        """How much has been pushed in all."""
        return milliseconds(self._frames_pushed, self.sample_rate_hz)

    @property
    def dropped_ms(self) -> float:
        """How much of it nobody took: it was pushed more than 1 s before the start, or after."""
        return milliseconds(self._frames_dropped, self.sample_rate_hz)

    def push(self, sound: Sound) -> None:
        """Let the user be heard saying this.

        Args:
            sound: any number of bytes of the encoding, or an array: int16 samples, or uint8 as
                bytes. Half a sample at the end waits for its other half.

        Raises:
            TypeError: it is something else, such as an array of floats.
            ValueError: an array has more than one dimension.
        """
        with self._lock:
            samples = self._decoder.push(sound)
            self._frames_pushed += len(samples)
            if not len(samples):
                return
            if self._deliver is not None:
                self._deliver(bytes_from_samples(samples))
            elif self._is_over:
                self._frames_dropped += len(samples)
            else:
                self._keep(samples.copy())

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Deliver what was pushed already, and from now on what is pushed.

        Raises:
            RuntimeError: it is running already.
        """
        with self._lock:
            if self._deliver is not None:
                raise RuntimeError("this source is running already; stop it first")
            self._deliver, self._is_over = deliver, False
            early, self._early, self._early_frames = self._early, deque(), 0
            for samples in early:
                deliver(bytes_from_samples(samples))

    def stop(self) -> None:
        """Deliver nothing more. Without effect if it is not running."""
        with self._lock:
            self._deliver, self._is_over = None, True

    def _keep(self, samples: Samples) -> None:
        most = KEPT_BEFORE_START_MS * self.sample_rate_hz // 1000
        self._early.append(samples)
        self._early_frames += len(samples)
        while (over := self._early_frames - most) > 0:
            oldest = self._early.popleft()
            dropped = min(over, len(oldest))
            if dropped < len(oldest):
                self._early.appendleft(oldest[dropped:])
            self._early_frames -= dropped
            self._frames_dropped += dropped
