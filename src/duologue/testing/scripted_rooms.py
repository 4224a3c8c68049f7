"""LiveKit rooms with an agent that does what a script says: the WebRTC of `ScriptedAgent`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final

from livekit import api, rtc

from duologue.agent.call.ids import new_conversation_id
from duologue.agent.rooms.opening import AGENT_IDENTITY, Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.protocol.codec import Frame, decode_server_event, message_of
from duologue.protocol.formats import AUDIO_FORMATS, AudioFormat
from duologue.protocol.server_events import (
    AudioEvent,
    ConversationMetadataEvent,
    InterruptionEvent,
    ServerEvent,
)
from duologue.testing.room_sound import RoomSound
from duologue.testing.room_wire import RoomWire
from duologue.testing.scripted_call import ScriptedCall
from duologue.testing.stage import Stage

DEFAULT_FORMAT: Final = AUDIO_FORMATS["pcm_16000"]
"""What a script's sound is written in where its metadata does not say."""

END_LIMIT_S: Final = 4.0
"""How long the end waits for calls: a client that has left is waited for, and a room emptied."""


class ScriptedRooms:
    """Opens a room with an agent for each client that wants one. Use it with `async with`.

    Args:
        settings: the LiveKit server.
        stage: plays the script.
    """

    def __init__(self, settings: LiveKitSettings, stage: Stage) -> None:
        self._settings = settings
        self._rooms = Rooms(settings)
        self._stage = stage
        self._performances: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ScriptedRooms:
        await self._rooms.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._performances:
                await asyncio.wait(self._performances, timeout=END_LIMIT_S)
        finally:
            for performance in self._performances:
                performance.cancel()
            await asyncio.gather(*self._performances, return_exceptions=True)
            await self._rooms.__aexit__(kind, error, traceback)

    async def open(self, query: Mapping[str, str]) -> Mapping[str, str]:
        """Go into a room of its own, and give a client's way into it, as the REST call does.

        Args:
            query: what the client asked with.

        Raises:
            livekit.rtc.ConnectError: the LiveKit server cannot be reached, or refuses.
        """
        name = new_conversation_id()
        room = rtc.Room()
        wire = RoomWire(room)
        sound = RoomSound(room, wire.heard)
        try:
            await room.connect(self._settings.url, self._agents_token(name))
            await sound.publish()
        except BaseException:
            await sound.close()
            await room.disconnect()
            raise
        performance = asyncio.create_task(
            self._perform(RoomCall(wire, sound, query), wire, sound, name),
            name="duologue scripted room",
        )
        self._performances.add(performance)
        performance.add_done_callback(self._performances.discard)
        return {"token": self._rooms.token(name), "livekit_url": self._settings.url}

    async def _perform(
        self, call: RoomCall, wire: RoomWire, sound: RoomSound, room_name: str
    ) -> None:
        try:
            await wire.wait_for_user()
            await self._stage.play_to(call)
        finally:
            await wire.close(1000, "")
            await sound.close()
            await self._rooms.delete(room_name)

    def _agents_token(self, room_name: str) -> str:
        grants = api.VideoGrants(room_join=True, room=room_name)
        token = api.AccessToken(self._settings.api_key, self._settings.api_secret)
        return token.with_identity(AGENT_IDENTITY).with_grants(grants).to_jwt()


class RoomCall(ScriptedCall):
    """One conversation in a room, as its script sees it.

    An `AudioEvent` is said on the agent's track, and as a message it carries its captions alone.
    An interruption lets the track fall silent first. The user's sound is received as
    `UserAudioChunk`, 20 ms each at 48 kHz. Frames that a script sends as they are go as messages.
    """

    def __init__(self, wire: RoomWire, sound: RoomSound, query: Mapping[str, str]) -> None:
        super().__init__(wire, query, ())
        self._sound = sound
        self._format = DEFAULT_FORMAT

    async def send(self, event: ServerEvent) -> None:
        """See `ScriptedCall.send`."""
        match event:
            case AudioEvent():
                await self._say(event)
            case ConversationMetadataEvent():
                name = event.agent_output_audio_format
                self._format = DEFAULT_FORMAT if name is None else AudioFormat.parse(name)
                await super().send(event)
            case _:
                await super().send(event)

    async def send_frame(self, frame: Frame) -> None:
        """See `ScriptedCall.send_frame`."""
        if isinstance(message_of(decode_server_event(frame)), InterruptionEvent):
            await self._sound.fall_silent()
        await super().send_frame(frame)

    async def _say(self, event: AudioEvent) -> None:
        if event.alignment is not None:
            captions = AudioEvent(audio=b"", event_id=event.event_id, alignment=event.alignment)
            await super().send(captions)
        if event.audio:
            await self._sound.say(self._format.decode(event.audio), self._format.sample_rate_hz)
