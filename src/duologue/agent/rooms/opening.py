"""The rooms of WebRTC calls, as this server asks LiveKit for them.

A room has the name of its conversation. The agent is sent there before anybody gets a token: what
a client says in its first moment would be lost on an agent that came after it.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import math
import secrets
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final

import aiohttp
from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.models import ParticipantInfo

from duologue.agent.call.ids import new_conversation_id
from duologue.agent.settings import LiveKitSettings
from duologue.errors import ServerError

logger = logging.getLogger("duologue.agent.rooms")

WORKER_NAME: Final = "duologue"
"""Under this name LiveKit knows the servers that take calls."""

AGENT_IDENTITY: Final = "agent"
"""Clients take a participant whose identity starts so for the agent."""

TOKEN_LIFE_S: Final = 5 * 60
"""How long a token lets its user in: enough for a back end to hand it on. The room waits for as
long; then LiveKit closes it."""

DEPARTURE_S: Final = 10
"""How long LiveKit keeps a room that its user has left, should this server not delete it: of a user
who published nothing, and left within 3 s, the agent is not told."""

SPARE_S: Final = 30
"""The agent leaves a room that nobody came into before LiveKit closes it: of a room that LiveKit
ends, its library keeps the agent's track for ever (https://github.com/livekit/rust-sdks/issues/1443).
"""

WITHDRAWN: Final = "withdrawn"
"""A room with this metadata is none any more, and its agent is to leave."""

FAREWELL_S: Final = 2.0
AGENT_LIMIT_S: Final = 10.0
UNTAKEN_S: Final = 2.0
"""LiveKit asks for a worker once, when a room is opened, and takes up to 1 s to choose it. Where
none was there just then, because it was connecting anew for instance, another room is opened after
this.
"""
REQUEST_LIMIT_S: Final = 5.0
POLL_S: Final = 0.05


class Rooms:
    """Opens and deletes rooms. Use it as an async context manager.

    Args:
        settings: the LiveKit server.
    """

    def __init__(self, settings: LiveKitSettings) -> None:
        self._settings = settings
        self._api: api.LiveKitAPI | None = None

    async def __aenter__(self) -> Rooms:
        self._api = api.LiveKitAPI(
            self._settings.url,
            self._settings.api_key,
            self._settings.api_secret,
            timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._livekit.aclose()

    async def open(self, agent_id: str) -> str:
        """Open a room, wait until the agent is in it, and give its name: a new conversation id.

        Cancelling leaves a room that LiveKit closes after the life of a token.

        Raises:
            ServerError: LiveKit cannot be reached, refuses, or no agent comes within 10 s.
        """
        name = ""
        try:
            async with asyncio.timeout(AGENT_LIMIT_S):
                while True:
                    name = await self._create(agent_id)
                    if await self._agent_arrives(name):
                        return name
                    await self._delete(name)
        except TimeoutError as error:
            await self.delete(name)
            raise ServerError(
                f"no agent came into the room within {AGENT_LIMIT_S:.0f} s; the log of the "
                "server with the agents says why"
            ) from error
        except (aiohttp.ClientError, api.TwirpError) as error:
            raise ServerError(f"LiveKit did not open a room: {error}") from error

    def token(self, room: str) -> str:
        """A token for one user of one room, worth nothing anywhere else."""
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_subscribe=True,
            can_publish_data=True,
        )
        token = api.AccessToken(self._settings.api_key, self._settings.api_secret)
        return (
            token.with_identity(f"user_{secrets.token_hex(8)}")
            .with_grants(grants)
            .with_ttl(datetime.timedelta(seconds=TOKEN_LIFE_S))
            .to_jwt()
        )

    async def delete(self, name: str) -> None:
        """Delete a room that the agent has left. One that is gone already, or cannot be reached,
        is left to LiveKit, which closes empty rooms by itself.

        Its user has 2 s to leave it: to ElevenLabs' JavaScript client, an agent that leaves is the
        end of a call, and a room that goes at the same time is an error.
        """
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._everybody_leaves(name)
            await self._delete(name)
        except (aiohttp.ClientError, TimeoutError, api.TwirpError) as error:
            logger.debug("The room %s was not deleted: %s", name, error)

    async def withdraw(self, name: str) -> None:
        """Delete a room that nobody will come into, once its agent was told to leave."""
        request = api.UpdateRoomMetadataRequest(room=name, metadata=WITHDRAWN)
        with suppress(aiohttp.ClientError, TimeoutError, api.TwirpError):
            await self._livekit.room.update_room_metadata(request)
        await self.delete(name)

    async def has_user(self, name: str) -> bool:
        """Whether somebody besides the agent is in the room; also if LiveKit cannot be asked."""
        try:
            participants = await self._participants(name)
        except (aiohttp.ClientError, TimeoutError, api.TwirpError) as error:
            logger.debug("Who is in the room %s is not known: %s", name, error)
            return True
        return any(participant.identity != AGENT_IDENTITY for participant in participants)

    async def _create(self, agent_id: str) -> str:
        name = new_conversation_id()
        request = api.CreateRoomRequest(
            name=name,
            empty_timeout=TOKEN_LIFE_S + SPARE_S,
            departure_timeout=DEPARTURE_S,
            max_participants=2,
            agents=[RoomAgentDispatch(agent_name=WORKER_NAME, metadata=agent_id)],
        )
        await self._livekit.room.create_room(request)
        return name

    async def _delete(self, name: str) -> None:
        await self._livekit.room.delete_room(api.DeleteRoomRequest(room=name))

    async def _agent_arrives(self, name: str) -> bool:
        """Wait for the agent. False as soon as it is clear that none is on its way."""
        loop = asyncio.get_running_loop()
        taken_by_s = loop.time() + UNTAKEN_S
        while not await self._has_agent(name):
            if loop.time() > taken_by_s:
                if not await self._is_taken(name):
                    logger.info("%s: no worker was free for this room", name)
                    return False
                taken_by_s = math.inf
            await asyncio.sleep(POLL_S)
        return True

    async def _is_taken(self, name: str) -> bool:
        """Whether a worker has accepted to hold the call."""
        dispatches = await self._livekit.agent_dispatch.list_dispatch(name)
        return any(dispatch.state.jobs for dispatch in dispatches)

    async def _has_agent(self, name: str) -> bool:
        return any(
            participant.identity == AGENT_IDENTITY
            and participant.state == ParticipantInfo.State.ACTIVE
            for participant in await self._participants(name)
        )

    async def _everybody_leaves(self, name: str) -> None:
        while True:
            if not await self._participants(name):
                return
            await asyncio.sleep(POLL_S)

    async def _participants(self, name: str) -> Sequence[ParticipantInfo]:
        request = api.ListParticipantsRequest(room=name)
        return (await self._livekit.room.list_participants(request)).participants

    @property
    def _livekit(self) -> api.LiveKitAPI:
        assert self._api is not None, "the rooms are used outside of their context"
        return self._api
