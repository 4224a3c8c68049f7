"""The place of a scripted agent in a LiveKit room: messages both ways, and when the user is there.

A room knows no close codes: 1000 stands for an end of any kind, and to vanish is to leave.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.codec import Frame, encode_client_message

RETURN_LIMIT_S: Final = 1.0
"""A client that has left may be connecting anew: on loopback it is back within 0.2 s."""

LAST_WORDS_S: Final = 0.3
"""What is on its way when the agent leaves is lost, and LiveKit does not tell what has arrived."""


class RoomWire:
    """The agent's end of a call in a room. See `duologue.testing.scripted_call.Wire`.

    Args:
        room: not connected yet, or a message might be missed.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._user_came = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None
        self._absence: asyncio.TimerHandle | None = None
        self.close_code: int | None = None
        room.on("data_received", self._data_received)
        room.on("participant_connected", lambda participant: self._client_came())
        room.on("participant_disconnected", lambda participant: self._client_left())
        room.on("disconnected", lambda reason: self._ended())

    async def wait_for_user(self) -> None:
        """Wait until a client is there, or the room has gone."""
        await self._user_came.wait()

    def heard(self, pcm: bytes) -> None:
        """Let a piece of the user's sound be received, as a message that carries it."""
        self._frames.put_nowait(encode_client_message(UserAudioChunk(audio=pcm)))

    async def send(self, frame: Frame) -> None:
        """See `Wire.send`."""
        with suppress(PublishDataError):
            await self._room.local_participant.publish_data(frame, reliable=True)

    async def receive(self) -> Frame | None:
        """See `Wire.receive`."""
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
        return frame

    async def close(self, code: int, reason: str) -> None:
        """See `Wire.close`; code and reason reach nobody."""
        if self.close_code is None:
            await asyncio.sleep(LAST_WORDS_S)
        self._ended()
        await self._room.disconnect()

    def vanish(self) -> None:
        """See `Wire.vanish`."""
        self._leaving = asyncio.create_task(self._room.disconnect())

    def _data_received(self, packet: rtc.DataPacket) -> None:
        # LiveKit tells seconds later of a user who publishes no sound: this is the first sign.
        self._user_came.set()
        self._frames.put_nowait(packet.data)

    def _client_came(self) -> None:
        self._user_came.set()
        self._wait_no_longer()

    def _client_left(self) -> None:
        self._wait_no_longer()
        self._absence = asyncio.get_running_loop().call_later(RETURN_LIMIT_S, self._ended)

    def _wait_no_longer(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
            self._absence = None

    def _ended(self) -> None:
        self._wait_no_longer()
        self._user_came.set()
        if self.close_code is None:
            self.close_code = 1000
            self._frames.put_nowait(None)
