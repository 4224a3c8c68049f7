"""When the agent's voice goes out on its track, and when silence does. Without clock or I/O.

Packets go out at the pace of real time, each as its time begins: LiveKit's own queue sends each
when its time is half over, on a beat that is late now and then. A track tells no time but by the
sound on it, so between two answers silence goes out: a receiver would take the pause for the
network's delay, and hold back what follows by as much for several seconds.
"""

from __future__ import annotations

from typing import Final

from duologue.audio.tracks.packets import PACKET_BYTES, PACKET_MS, PACKET_S

LATE_MS: Final = 60
"""What is later than this is not caught up with: the receiver has played something else."""


class RoomPace:
    """Says what is to be sent, packet by packet. Sound is int16, mono, at 48 kHz.

    Args:
        now_s: when the track begins, in seconds of any steady clock.
    """

    def __init__(self, now_s: float) -> None:
        self._next_s = now_s
        self._waiting = bytearray()
        self._pushed_bytes = 0

    @property
    def waiting_ms(self) -> float:
        """How much of the voice waits to be sent."""
        return len(self._waiting) / PACKET_BYTES * PACKET_MS

    @property
    def pushed_ms(self) -> float:
        """How much of it was pushed, since the track began."""
        return self._pushed_bytes / PACKET_BYTES * PACKET_MS

    def push(self, pcm: bytes) -> None:
        """Let more of the voice follow what waits."""
        self._waiting += pcm
        self._pushed_bytes += len(pcm)

    def clear(self) -> None:
        """Send nothing of what waits."""
        self._waiting.clear()

    def next_s(self) -> float:
        """When the next packet is to be taken; it may be past."""
        return self._next_s

    def take(self, now_s: float) -> bytes | None:
        """The packet to be sent now, if one is; silence follows the end of the voice."""
        if now_s < self._next_s:
            return None
        self._next_s = max(self._next_s, now_s - LATE_MS / 1000) + PACKET_S
        packet = bytes(self._waiting[:PACKET_BYTES])
        del self._waiting[:PACKET_BYTES]
        return packet.ljust(PACKET_BYTES, b"\0")
