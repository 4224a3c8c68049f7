"""What LiveKit has taken of a track's sound."""

from __future__ import annotations

import pytest

from duologue.audio.tracks.frames import FrameCapture


def taken_packets(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give a list that gets each packet that LiveKit takes from now on."""
    taken: list[bytes] = []
    take = FrameCapture.take

    async def noted(frames: FrameCapture, packet: bytes) -> None:
        await take(frames, packet)
        taken.append(packet)

    monkeypatch.setattr(FrameCapture, "take", noted)
    return taken


def take_nothing(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Let LiveKit refuse every packet."""

    async def take(frames: FrameCapture, packet: bytes) -> None:
        raise RuntimeError(reason)

    monkeypatch.setattr(FrameCapture, "take", take)
