"""Calls over WebRTC: one room of LiveKit, with one user and the agent in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Final

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from duologue.agent.call import ends
from duologue.agent.call.ends import CallRefused
from duologue.agent.call.reception import Reception
from duologue.agent.definition import AgentDefinition
from duologue.agent.rooms.dispatch import Job
from duologue.agent.rooms.opening import TOKEN_LIFE_S, WITHDRAWN, Rooms
from duologue.agent.rooms.tracks import RoomTracks
from duologue.agent.settings import MOST_CALLS
from duologue.protocol.codec import Frame, encode_server_event
from duologue.protocol.server_events import ServerEvent

logger = logging.getLogger("duologue.agent.room")

CONNECT_LIMIT_S: Final = 10.0
LEAVE_LIMIT_S: Final = 5.0
LAST_WORDS_S: Final = 0.3
"""What is on its way when the agent leaves is lost, and LiveKit does not tell what has arrived."""
LOOK_S: Final = 4.0
"""LiveKit tells after 3 s of a user who publishes no sound, and never of one who has left by then.
So it is asked, before it closes the room for being empty."""
MOST_WAITING: Final = 100
"""Rooms whose user has not come yet. Anybody may ask for the token of a public agent, and each
token keeps a room waiting for as long as it lets somebody in."""
LARGEST_EVENT_BYTES: Final = 60_000
"""LiveKit's data channels are negotiated for messages of 64,000 bytes, the envelope included."""
MOST_FRAMES_WAITING: Final = 1000
"""Messages are taken at once; so many can only wait while the server is stuck."""

HANGS_UP_S: Final = 1.5
"""A user that leaves has hung up unless it is back after this: a client that makes its connection
anew leaves in the same way. LiveKit's was seen to be back after 0.1 to 0.6 s on one machine."""
LOST_S: Final = 5.0
"""So long has a user to return whose connection LiveKit has given up, or moved elsewhere."""


class RoomCarrier:
    """A call's events on the reliable data channel, and the user's messages as they come.

    Make it before the room is joined: a message is only given to those who are listening.

    Args:
        room: not connected yet.

    Attributes:
        knows_user: whether LiveKit has told of a user, and so will tell when it leaves.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self.knows_user = False
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_FRAMES_WAITING + 1)
        self._news = asyncio.Event()
        self._is_closed = False
        self._absence: asyncio.TimerHandle | None = None
        room.on("data_received", self._on_data)
        room.on("participant_connected", self._on_participant_connected)
        room.on("room_metadata_changed", self._on_metadata_changed)
        room.on("participant_disconnected", self._on_participant_disconnected)
        room.on("disconnected", self._on_disconnected)

    async def wait_for_user(self) -> bool:
        """Whether a user has come. False if the room was closed, or the token has run out."""
        try:
            async with asyncio.timeout(TOKEN_LIFE_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return not self._is_closed

    async def send(self, event: ServerEvent) -> None:
        """Send one event; see `Carrier.send`. One that no data channel takes is left out."""
        data = encode_server_event(event).encode()
        if len(data) > LARGEST_EVENT_BYTES:
            logger.error(
                "%s: %s has %d bytes and was not sent; a room takes at most %d",
                self._room.name,
                event.TYPE,
                len(data),
                LARGEST_EVENT_BYTES,
            )
            return
        try:
            await self._room.local_participant.publish_data(data)
        except PublishDataError as error:
            raise ConnectionError("the room is gone") from error

    async def close(self, code: int, reason: str) -> None:
        """Leave the room, by which the user knows that the call is over; see `Carrier.close`.

        Rooms have no word for the code and the reason: an `error` event has been sent before.
        """
        await asyncio.sleep(LAST_WORDS_S)
        await self._room.disconnect()

    async def frames(self) -> AsyncIterator[Frame]:
        """What the user sends, until it or the agent has left for good."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    def user_left(self) -> None:
        """End the frames, because the user has left without LiveKit telling."""
        self._end_frames()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        # LiveKit tells seconds later of a user who publishes no sound: this is the first sign.
        self._user_is_there()
        if self._frames.qsize() < MOST_FRAMES_WAITING:
            self._frames.put_nowait(packet.data)
        else:
            logger.warning("%s: more messages wait than can; the call ends", self._room.name)
            self._end_frames()

    def _on_participant_connected(self, _participant: rtc.RemoteParticipant) -> None:
        self.knows_user = True
        self._user_is_there()

    def _on_metadata_changed(self, _old: str, metadata: str) -> None:
        if metadata == WITHDRAWN:
            self._close()

    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self._stop_waiting_for_user()
        has_left = participant.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED
        loop = asyncio.get_running_loop()
        self._absence = loop.call_later(HANGS_UP_S if has_left else LOST_S, self._end_frames)

    def _user_is_there(self) -> None:
        self._stop_waiting_for_user()
        self._news.set()

    def _stop_waiting_for_user(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
            self._absence = None

    def _on_disconnected(self, _reason: object) -> None:
        self._close()

    def _close(self) -> None:
        self._is_closed = True
        self._stop_waiting_for_user()
        self._news.set()
        self._end_frames()

    def _end_frames(self) -> None:
        if not self._frames.full():
            self._frames.put_nowait(None)


class RoomCalls:
    """Holds the calls to which LiveKit sends the agents of this server.

    Args:
        definitions: the agents, by their ids.
        reception: holds each call.
        rooms: deletes each room after its call.
        most_calls: how many calls are as much as this server can do.
    """

    def __init__(
        self,
        definitions: Mapping[str, AgentDefinition],
        reception: Reception,
        rooms: Rooms,
        *,
        most_calls: int = MOST_CALLS,
    ) -> None:
        self._definitions = definitions
        self._reception = reception
        self._rooms = rooms
        self._most_calls = most_calls
        self._talking = 0

    def takes(self, metadata: str) -> bool:
        """Whether this server has the agent of a job."""
        return metadata in self._definitions

    def load(self, jobs: int) -> float:
        """How much of what this server can do it does, from 0 to 1 or more.

        Rooms that wait for their users count for little: most of their users may never come.
        """
        return max(self._talking / self._most_calls, (jobs - self._talking) / MOST_WAITING)

    async def hold(self, job: Job) -> None:
        """Go into a room, wait for its user, and hold one conversation. The room is gone then."""
        room = rtc.Room()
        carrier = RoomCarrier(room)
        tracks = RoomTracks(room)
        definition = self._definitions[job.metadata]
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await room.connect(job.url, job.token)
                await tracks.publish()
            if await carrier.wait_for_user():
                await self._converse(carrier, tracks, job.room, definition)
            else:
                logger.info("%s: nobody came", job.room)
        finally:
            await self._leave(room, tracks)
            await self._rooms.delete(job.room)

    async def _converse(
        self, carrier: RoomCarrier, tracks: RoomTracks, name: str, definition: AgentDefinition
    ) -> None:
        self._talking += 1
        looking = asyncio.create_task(self._look_for_user(carrier, name))
        try:
            await self._reception.hold(
                carrier, carrier.frames(), definition, conversation_id=name, tracks=tracks
            )
        except CallRefused as refused:
            await self._reception.refuse(carrier, refused.end)
        except Exception:
            logger.exception("%s: the call could not begin", name)
            await self._reception.refuse(carrier, ends.INTERNAL_ERROR)
        finally:
            self._talking -= 1
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look_for_user(self, carrier: RoomCarrier, name: str) -> None:
        """Ask who is in the room for as long as LiveKit has not told by itself."""
        while not carrier.knows_user:
            await asyncio.sleep(LOOK_S)
            if not carrier.knows_user and not await self._rooms.has_user(name):
                carrier.user_left()
                return

    async def _leave(self, room: rtc.Room, tracks: RoomTracks) -> None:
        try:
            async with asyncio.timeout(LEAVE_LIMIT_S):
                await tracks.aclose()
                await room.disconnect()
        except TimeoutError:
            logger.warning("%s: the room was not left in time", room.name)
