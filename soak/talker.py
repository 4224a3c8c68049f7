"""An agent that talks without end, and looks at what it hears meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from duologue.audio.samples import samples_from_bytes
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import AudioEvent
from duologue.testing.scripted_agent import ClientGone, ScriptedAgent, ScriptedCall
from tests.audio.room import babble

RATE_HZ: Final = 16_000
PIECE_MS: Final = 100
AHEAD_MS: Final = 400
CHUNK_MS: Final = 20
_VOICE: Final = babble(30, RATE_HZ)


class Talker:
    """The agent, as a script, and what it has heard.

    Attributes:
        chunks: how many chunks have arrived.
        began_s: when the first of them did.
        loudest: the greatest magnitude in the latest of them.
    """

    def __init__(self) -> None:
        self.chunks = 0
        self.began_s = 0.0
        self.loudest = 0
        self.agent = ScriptedAgent(self._converse)

    @property
    def behind_ms(self) -> float:
        """How much less has been heard than time has passed."""
        return (time.monotonic() - self.began_s) * 1000 - self.chunks * CHUNK_MS

    async def _converse(self, call: ScriptedCall) -> None:
        await call.begin()
        talking = asyncio.create_task(self._talk(call))
        try:
            while True:
                message = await call.receive_next()
                if isinstance(message, UserAudioChunk):
                    self._hear(message.audio)
                call.received.clear()  # or it would grow as the conversation goes on
        except ClientGone:
            pass
        finally:
            talking.cancel()

    def _hear(self, chunk: bytes) -> None:
        if not self.chunks:
            self.began_s = time.monotonic() - CHUNK_MS / 1000
        self.chunks += 1
        self.loudest = int(abs(samples_from_bytes(chunk).astype(int)).max())

    async def _talk(self, call: ScriptedCall) -> None:
        began_s, piece, size = time.monotonic(), 0, PIECE_MS * RATE_HZ // 1000
        while True:
            begin = piece * size % len(_VOICE)
            sound = _VOICE[begin : begin + size].tobytes()
            await call.send(AudioEvent(audio=sound, event_id=1))
            piece += 1
            due_s = began_s + (piece * PIECE_MS - AHEAD_MS) / 1000
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
