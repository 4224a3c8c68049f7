"""When the user's sound goes out on a track, and when silence does.

Sound that is in time goes out as it comes: LiveKit's own queue has a beat of its own, for which it
would wait. Where none comes, silence goes out at the pace of real time: a receiver would take the
pause for the network's delay, and hold back what follows by as much for several seconds.

What comes faster than real time waits, here or with the receiver. So that it is not late for the
rest of the conversation, pauses of speech are left out while something does; speech is sent whole,
its soft beginning included.
"""

from __future__ import annotations

from typing import Final

from duologue.audio.samples import samples_from_bytes
from duologue.audio.speech_detector import SpeechDetector
from duologue.audio.tracks.packets import PACKET_BYTES, PACKET_MS, PACKET_S, SAMPLE_RATE_HZ

LATE_MS: Final = 60
"""Silence goes out in place of sound that is later than this."""

EARLY_MS: Final = 40
"""Sound that is earlier than this waits; the receiver's buffer bears what is less."""

IN_TIME_MS: Final = 30
"""Sound that is no earlier than this came at the pace of real time: a packet and half of one."""

LEAD_MS: Final = 100
"""So much of a pause that is left out is sent after all if speech follows it: a word begins before
it is as loud as speech, as with an h or an f."""

LEAD_BYTES: Final = 2 * SAMPLE_RATE_HZ * LEAD_MS // 1000


class TrackPace:
    """Says what is to be sent, packet by packet. Sound is int16, mono, at 48 kHz.

    Args:
        now_s: when the track begins, in seconds of any steady clock.
    """

    def __init__(self, now_s: float) -> None:
        self._due_s = now_s
        self._is_silent = True
        self._waiting = bytearray()
        self._left_out = bytearray()
        self._detector = SpeechDetector(SAMPLE_RATE_HZ)

    @property
    def waiting_ms(self) -> float:
        """How much sound waits to be sent. Less than a packet always does."""
        return len(self._waiting) / PACKET_BYTES * PACKET_MS

    def push(self, pcm: bytes, now_s: float) -> None:
        """Let sound follow what waits. Of a pause, as much is left out as waits."""
        self._detector.push(samples_from_bytes(pcm))
        if self._detector.is_speaking:
            self._waiting += self._left_out + pcm
            self._left_out.clear()
        else:
            self._waiting += self._without_delay(pcm, self._behind(now_s))

    def next_s(self) -> float:
        """When the next packet is to be taken; it may be past. Pushing may bring it forward."""
        if len(self._waiting) >= PACKET_BYTES:
            return self._due_s - EARLY_MS / 1000
        return self._due_s + (0.0 if self._is_silent else LATE_MS / 1000)

    def take(self, now_s: float) -> bytes | None:
        """The packet to be sent now, if one is."""
        if now_s < self.next_s():
            return None
        # Whoever comes late to take packets does not make up for silent ones.
        self._due_s = max(self._due_s, now_s - LATE_MS / 1000) + PACKET_S
        self._is_silent = len(self._waiting) < PACKET_BYTES
        if self._is_silent:
            return bytes(PACKET_BYTES)
        packet = bytes(self._waiting[:PACKET_BYTES])
        del self._waiting[:PACKET_BYTES]
        return packet

    def _behind(self, now_s: float) -> int:
        """How many bytes of sound wait, here or with the receiver."""
        waiting = len(self._waiting) - len(self._waiting) % PACKET_BYTES
        early_s = self._due_s - now_s - IN_TIME_MS / 1000
        return waiting + max(0, 2 * round(early_s * SAMPLE_RATE_HZ))

    def _without_delay(self, pcm: bytes, behind: int) -> bytes:
        if not behind:
            self._left_out.clear()
            return pcm
        # Whole packets: with a part of one, all that follows would wait for the rest of its own.
        cut = -(-behind // PACKET_BYTES) * PACKET_BYTES
        if cut < len(pcm) and not self._left_out:
            return pcm[cut:]
        # Kept in case that speech follows: it would begin with it.
        self._left_out += pcm
        del self._left_out[:-LEAD_BYTES]
        return b""
