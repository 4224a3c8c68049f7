"""A conversation's messages and sound over WebRTC: through a LiveKit room.

Messages are JSON on the reliable data channel, without a topic. The user's sound is a track that is
published here, the agent's is one that the agent publishes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from livekit import rtc
from livekit.rtc.participant import PublishDataError, PublishTrackError
from livekit.rtc.room import EventTypes

from duologue.audio.tracks.packets import PACKET_MS
from duologue.connection.base import Received, Take, each_received
from duologue.connection.http.endpoints import server_of
from duologue.connection.webrtc.agent_track import START_MS, AgentTrack
from duologue.connection.webrtc.arrivals import Arrivals
from duologue.connection.webrtc.ends import UNKNOWN_REASON, agent_left, room_ended
from duologue.connection.webrtc.entry import (
    RoomAccess,
    RoomSettings,
    conversation_id_of,
    has_agents_sound,
    is_agent,
)
from duologue.connection.webrtc.joining import join, leave
from duologue.connection.webrtc.microphone_track import MicrophoneTrack
from duologue.connection.webrtc.silence import SilenceWatch
from duologue.dialogue.values import ConnectionNotice, Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import ClientMessage, UserAudioChunk
from duologue.protocol.codec import (
    Frame,
    Incoming,
    Mended,
    decode_server_event,
    encode_client_message,
    message_of,
)
from duologue.protocol.server_events import (
    AudioEvent,
    ConversationMetadataEvent,
    InterruptionEvent,
)

FORMAT: Final = "pcm_48000"
"""The format of the sound of both sides, whatever the agent uses behind the room."""

MAY_RETURN: Final = {"CLIENT_INITIATED": 1.5, UNKNOWN_REASON: 5.0}
"""An agent that has left so may be connecting anew, and is waited for so many seconds. The first
was measured where LiveKit's client makes its connection anew: it is back within 0.2 s on loopback.
"""

RETRY_S: Final = 0.5
"""A message that cannot be sent is tried again after this: a lost connection is noticed by then."""

LOST_LIMIT_S: Final = 30.0
"""A lost connection is waited for so long. LiveKit's server was seen to give a participant up after
22 s, and with it goes the agent; LiveKit's client would go on trying for minutes."""

LossSign = Literal["silence", "LiveKit"]
"""What a lost connection is known by: nothing comes any more, or LiveKit makes it anew."""


class WebRtcConnection:
    """A place in a room with an agent. See `duologue.connection.base.Connection`."""

    chunk_ms = PACKET_MS
    start_ms = START_MS

    def __init__(self, *, with_sound: bool) -> None:
        self._room = rtc.Room()
        self._with_sound = with_sound
        self._arrivals = Arrivals()
        self._microphone: MicrophoneTrack | None = None
        self._tracks: dict[str, AgentTrack] = {}
        self._closing_tracks: set[asyncio.Task[None]] = set()
        self._reaches_agent = asyncio.Event()
        self._losses: set[LossSign] = set()
        self._silence_watch: SilenceWatch | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._absence: asyncio.TimerHandle | None = None
        self._listen()

    @classmethod
    async def open(
        cls,
        access: RoomAccess,
        *,
        timeout_s: float,
        with_sound: bool,
        settings: RoomSettings,
    ) -> WebRtcConnection:
        """Join the room, and wait for the agent. Cancelling releases everything.

        Args:
            access: where the room is, and what lets into it.
            timeout_s: how long all of it may take.
            with_sound: whether this side is to speak and hear; False for a conversation in writing.
            settings: how the connection finds its way.

        Raises:
            SessionConnectionError: LiveKit cannot be reached, refuses, or takes too long; or there
                is no agent in the room.
        """
        connection = cls(with_sound=with_sound)
        server = server_of(access.livekit_url)
        try:
            async with asyncio.timeout(timeout_s):
                await connection._enter(access, settings, timeout_s)
        except BaseException as error:
            await connection.close()
            if isinstance(error, TimeoutError):
                raise connection._lateness(server, timeout_s) from None
            if isinstance(error, PublishTrackError):
                raise SessionConnectionError(
                    f"the LiveKit server {server} did not take the microphone's track ({error}); "
                    "does the token allow to publish?"
                ) from None
            raise
        return connection

    async def send(self, message: ClientMessage) -> None:
        """Send a message; see `Connection.send`.

        Messages wait while the connection, or the agent's, is being made anew. One that cannot be
        sent, because it is larger than LiveKit's 64,000 bytes for instance, ends the connection:
        the agent would wait for it.
        """
        if self._arrivals.end is not None:
            return
        if isinstance(message, UserAudioChunk):
            if self._microphone is not None:
                await self._microphone.push(message.audio)
            return
        try:
            await self._publish(encode_client_message(message))
        except PublishDataError as error:
            self._arrivals.finish(
                Disconnection.by_loss(
                    f"a {message.TYPE} message could not be sent over WebRTC ({error}); large "
                    "ones need connection_type='websocket'"
                )
            )

    def send_at_once(self, message: ClientMessage) -> bool:
        """Send a chunk of sound, unless too much waits; see `Connection.send_at_once`."""
        if self._arrivals.end is not None:
            return True
        if not isinstance(message, UserAudioChunk):
            return False
        return self._microphone is None or self._microphone.push_at_once(message.audio)

    async def receive(self) -> Received | Disconnection:
        """Wait for what comes next; see `Connection.receive`."""
        return await self._arrivals.take()

    async def receive_all(self, take: Take) -> Disconnection:
        """Hand over what comes; see `Connection.receive_all`."""
        return await each_received(self.receive, take)

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """The room's id and WebRTC's formats, whatever was said; see `Connection.agreed`."""
        return msgspec.structs.replace(
            metadata,
            conversation_id=conversation_id_of(self._room.name),
            agent_output_audio_format=FORMAT,
            user_input_audio_format=FORMAT,
        )

    async def close(self) -> None:
        """Close as the user's regular end; see `Connection.close`."""
        self._finish(Disconnection.by_user())
        self._stop_waiting_for_agent()
        self._stop_giving_up()
        for sid in list(self._tracks):
            self._close_track(sid)
        microphone, self._microphone = self._microphone, None
        watch, self._silence_watch = self._silence_watch, None
        try:
            if watch is not None:
                await watch.close()
            if self._closing_tracks:
                await asyncio.wait(self._closing_tracks)
            if microphone is not None:
                await microphone.close()
        finally:
            # A room that hangs is let go of later, and is not to hold this with it.
            self._listen_no_more()
            await leave(self._room)

    async def _enter(self, access: RoomAccess, settings: RoomSettings, timeout_s: float) -> None:
        await join(self._room, access, settings, timeout_s=timeout_s, with_sound=self._with_sound)
        self._silence_watch = SilenceWatch(
            self._room, lambda: self._lost("silence"), lambda: self._found("silence")
        )
        if self._with_sound:
            # At once: a server may keep the agent out until somebody is there to be heard.
            self._microphone = MicrophoneTrack()
            await self._microphone.publish(self._room)
        for participant in self._room.remote_participants.values():
            self._is_there(participant)
        # What is sent before the agent is there reaches nobody.
        await self._reaches_agent.wait()
        if (end := self._arrivals.end) is not None:
            reason = end.message or end.context.get("reason")
            raise SessionConnectionError(f"the room ended before the conversation began: {reason}")

    def _lateness(self, server: str, timeout_s: float) -> SessionConnectionError:
        if self._room.isconnected() or self._room.name:
            return SessionConnectionError(
                f"no agent came into the room at {server} within {timeout_s:g} s; is it running? "
                "If it is only slow, raise `connect_timeout`, or try connection_type='websocket'"
            )
        return SessionConnectionError(
            f"the LiveKit server {server} did not let this side into the room within "
            f"{timeout_s:g} s; check `livekit_url`, raise `connect_timeout`, or try "
            "connection_type='websocket'"
        )

    async def _publish(self, text: str) -> None:
        """Send on the data channel, once there is somebody to take it.

        Raises:
            PublishDataError: LiveKit does not take it, though the connection is there.
        """
        try:
            await self._publish_once(text)
        except PublishDataError:
            await asyncio.sleep(RETRY_S)
            await self._publish_once(text)

    async def _publish_once(self, text: str) -> None:
        await self._reaches_agent.wait()
        if self._arrivals.end is None:
            await self._room.local_participant.publish_data(text, reliable=True)

    def _listeners(self) -> dict[EventTypes, Callable[..., None]]:
        return {
            "participant_connected": self._is_there,
            "participant_active": self._is_there,
            "participant_disconnected": self._has_left,
            "data_received": self._data_received,
            "track_subscribed": self._track_subscribed,
            "track_unsubscribed": self._track_unsubscribed,
            "reconnecting": self._reconnecting,
            "reconnected": self._reconnected,
            "disconnected": self._disconnected,
        }

    def _listen(self) -> None:
        for event, listener in self._listeners().items():
            self._room.on(event, listener)

    def _listen_no_more(self) -> None:
        for event, listener in self._listeners().items():
            self._room.off(event, listener)

    def _is_there(self, participant: rtc.RemoteParticipant) -> None:
        if not is_agent(participant.identity):
            return
        self._stop_waiting_for_agent()
        is_active = participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        if is_active and not self._losses:
            self._reaches_agent.set()

    def _has_left(self, participant: rtc.RemoteParticipant) -> None:
        if not is_agent(participant.identity) or self._has_agent():
            return
        reason = _name(participant.disconnect_reason)
        if reason not in MAY_RETURN:
            self._finish(agent_left(reason))
        elif not self._losses:  # otherwise it is seen afterwards who is there
            self._wait_for_agent(reason)

    def _has_agent(self) -> bool:
        return any(map(is_agent, self._room.remote_participants))

    def _wait_for_agent(self, reason: str) -> None:
        self._stop_waiting_for_agent()
        self._reaches_agent.clear()
        loop = asyncio.get_running_loop()
        self._absence = loop.call_later(MAY_RETURN[reason], self._finish, agent_left(reason))

    def _stop_waiting_for_agent(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
            self._absence = None

    def _data_received(self, packet: rtc.DataPacket) -> None:
        # A sender who is not known is an agent of whom the server has not told yet.
        if packet.topic or (packet.participant and not is_agent(packet.participant.identity)):
            return
        received = decode_server_event(_frame(packet.data))
        if isinstance(message_of(received), InterruptionEvent):
            for track in self._tracks.values():
                track.interrupt()
        self._arrivals.put(_without_sound(received))

    def _track_subscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if not isinstance(track, rtc.RemoteAudioTrack) or self._arrivals.end is not None:
            return
        if self._with_sound and has_agents_sound(participant.identity):
            self._close_track(publication.sid)
            self._tracks[publication.sid] = AgentTrack(track, self._heard)

    def _track_unsubscribed(
        self,
        track: rtc.Track | None,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        self._close_track(publication.sid)

    def _close_track(self, sid: str) -> None:
        track = self._tracks.pop(sid, None)
        if track is not None:
            closing = asyncio.create_task(track.close(), name="duologue close track")
            self._closing_tracks.add(closing)
            closing.add_done_callback(self._closing_tracks.discard)

    def _heard(self, pcm: bytes) -> None:
        self._arrivals.put(AudioEvent(audio=pcm, event_id=None))

    def _reconnecting(self) -> None:
        self._lost("LiveKit")

    def _reconnected(self) -> None:
        self._found("LiveKit")

    def _lost(self, sign: LossSign) -> None:
        if self._arrivals.end is not None:
            return
        was_lost = bool(self._losses)
        self._losses.add(sign)
        self._reaches_agent.clear()
        self._stop_waiting_for_agent()
        if was_lost:
            return
        self._give_up_later()
        self._arrivals.put(
            ConnectionNotice(
                kind="reconnecting",
                message="the WebRTC connection was lost, and is being made anew",
            )
        )

    def _found(self, sign: LossSign) -> None:
        self._losses.discard(sign)
        if self._losses:
            return
        self._stop_giving_up()
        if not self._has_agent():
            self._wait_for_agent(UNKNOWN_REASON)
        for participant in self._room.remote_participants.values():
            self._is_there(participant)
        self._arrivals.put(
            ConnectionNotice(kind="reconnected", message="the WebRTC connection is there again")
        )

    def _give_up_later(self) -> None:
        end = Disconnection.by_loss(
            f"the WebRTC connection was lost, and not there again after {LOST_LIMIT_S:g} s"
        )
        loop = asyncio.get_running_loop()
        self._giving_up = loop.call_later(LOST_LIMIT_S, self._finish, end)

    def _stop_giving_up(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _disconnected(self, reason: int) -> None:
        self._finish(room_ended(_name(reason)))

    def _finish(self, end: Disconnection) -> None:
        """Let the end follow, and keep nobody waiting."""
        self._arrivals.finish(end)
        self._reaches_agent.set()


def _frame(data: bytes) -> Frame:
    """Text, as over a WebSocket; what is none stays as it is, and is malformed."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _name(reason: int | None) -> str:
    """The name of one of LiveKit's reasons; of none, that of an unknown one."""
    names: dict[int, str] = {value: name for name, value in rtc.DisconnectReason.items()}
    return names.get(reason or 0, f"reason {reason}")


def _without_sound(received: Incoming) -> Incoming:
    """The sound comes on the track; its captions come as messages only."""
    if isinstance(received, Mended):
        return msgspec.structs.replace(received, message=_without_sound(received.message))
    if isinstance(received, AudioEvent):
        return msgspec.structs.replace(received, audio=b"")
    return received
