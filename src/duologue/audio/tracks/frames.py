"""Gives packets of sound to a LiveKit track, in the frames that it takes.

LiveKit's Python client makes a request anew for each frame and waits until it is carried out. At a
hundred frames a second that is 4 % of a core. Here the request for the first frame of a packet is
made once and not waited for; nor are those for both frames of silence.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

from livekit import rtc

from duologue.audio.livekit_exit import let_callbacks_return_at_exit
from duologue.audio.livekit_request import LiveKitRequest
from duologue.audio.tracks.packets import PACKET_BYTES, SAMPLE_RATE_HZ

FRAME_MS: Final = 10
"""LiveKit takes no other frames without a queue of its own, which has a beat of its own."""

FRAME_SAMPLES: Final = SAMPLE_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES: Final = 2 * FRAME_SAMPLES

_SILENCE: Final = bytes(PACKET_BYTES)

let_callbacks_return_at_exit()


class FrameCapture:
    """Gives packets to a source without a queue.

    Args:
        source: of a mono track, at 48 kHz.
    """

    def __init__(self, source: rtc.AudioSource) -> None:
        self._source = source
        self._prepared = (PreparedFrame(source), PreparedFrame(source)) if can_prepare() else None

    async def take(self, packet: bytes) -> None:
        """Give the next packet, int16 samples. Unless it is silent, wait until LiveKit has it.

        Both frames of a packet are under way at once, but no more: they might be taken in another
        order, which does not matter with silence alone. Cancelling leaves it open whether they are
        taken.

        Raises:
            Exception: LiveKit does not take it, for the reason that it gives.
            ValueError: it is no packet.
        """
        if len(packet) != PACKET_BYTES:
            raise ValueError(f"a packet has {PACKET_BYTES} bytes, not {len(packet)}")
        if self._prepared is None:
            await self._capture(packet[:FRAME_BYTES])
            await self._capture(packet[FRAME_BYTES:])
            return
        first, silent = self._prepared
        if packet == _SILENCE:
            silent.send()
            silent.send()
        else:
            first.send(packet[:FRAME_BYTES])
            await self._capture(packet[FRAME_BYTES:])

    async def _capture(self, pcm: bytes) -> None:
        await self._source.capture_frame(rtc.AudioFrame(pcm, SAMPLE_RATE_HZ, 1, FRAME_SAMPLES))


class PreparedFrame:
    """A request to take a frame, made once. At first the frame is silent.

    Args:
        source: what takes it.
    """

    def __init__(self, source: rtc.AudioSource) -> None:
        self._place = (ctypes.c_char * FRAME_BYTES)()

        def fill(request: Any) -> None:
            capture = request.capture_audio_frame
            capture.source_handle = source._ffi_handle.handle
            capture.buffer.data_ptr = ctypes.addressof(self._place)
            capture.buffer.num_channels = 1
            capture.buffer.sample_rate = SAMPLE_RATE_HZ
            capture.buffer.samples_per_channel = FRAME_SAMPLES

        self._request = LiveKitRequest(fill, source, self._place)

    def send(self, pcm: bytes | None = None) -> bytes:
        """Send the frame; give LiveKit's answer, which comes before it has taken it.

        Args:
            pcm: what is the frame from now on, 10 ms. LiveKit must have taken the one before it.

        Raises:
            RuntimeError: LiveKit's library does not answer.
        """
        if pcm is not None:
            ctypes.memmove(self._place, pcm, FRAME_BYTES)
        return self._request.send()

    def is_answered(self) -> bool:
        """Whether LiveKit's answer to a frame is what it should be."""
        return bool(self._request.read(self.send()).capture_audio_frame.async_id)


@cache
def can_prepare() -> bool:
    """Whether LiveKit's client is made within as `PreparedFrame` thinks it is, by a trial."""
    try:
        return PreparedFrame(rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)).is_answered()
    except Exception:  # whatever another version does instead
        return False
