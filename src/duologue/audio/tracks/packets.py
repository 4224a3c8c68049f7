"""The packets in which sound goes over WebRTC. It is int16 and mono."""

from __future__ import annotations

from typing import Final

SAMPLE_RATE_HZ: Final = 48_000
"""WebRTC's own, at which Opus works."""

PACKET_MS: Final = 20
"""What LiveKit's encoder makes one packet of; less would wait there for the rest."""

PACKET_S: Final = PACKET_MS / 1000
PACKET_BYTES: Final = 2 * SAMPLE_RATE_HZ * PACKET_MS // 1000
