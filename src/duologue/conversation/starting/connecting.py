"""Connecting to the agent: what is to be asked of the server first, and over which transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from duologue.connection.base import Connection
from duologue.connection.http.endpoints import (
    livekit_url_of,
    origin_of,
    server_of,
    signed_conversation_url,
)
from duologue.connection.http.signed_urls import fetch_signed_url
from duologue.connection.http.tokens import (
    NO_WEBRTC,
    TokenAnswer,
    TokenRequest,
    fetch_conversation_token,
)
from duologue.connection.opening import open_connection, open_room
from duologue.connection.webrtc.entry import RoomAccess, RoomRoute
from duologue.conversation.options.route import Route
from duologue.dialogue.values import ConnectionNotice
from duologue.errors import ConversationTokenRefused, SessionConnectionError, SignedUrlRefused

logger = logging.getLogger("duologue")

NOT_FOR_THIS_KEY: Final = (401, 403, 404)
"""HTTP statuses of a key or an agent that the server does not know."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A connection, and the server for other requests; None for an orchestrator's."""

    connection: Connection
    origin: str | None


async def connect(
    route: Route,
    *,
    deadline_s: float,
    with_sound: bool,
    notify: Callable[[ConnectionNotice], None],
) -> Opened:
    """Open the connection that a route asks for. Cancelling releases everything.

    Args:
        deadline_s: until when, by the clock of the event loop.
        with_sound: whether it is a spoken conversation.
        notify: told if it is another transport than was to be expected.

    Raises:
        SessionConnectionError: the server cannot be reached, refuses, or takes too long.
    """
    room = route.room
    if room is not None:
        try:
            access = await _room_access(room, route, deadline_s)
        except ConversationTokenRefused as refused:
            if not room.is_inferred or refused.http_status != NO_WEBRTC:
                raise
            notify(
                ConnectionNotice(
                    kind="websocket_instead",
                    message=f"the conversation goes over WebSocket: {refused}",
                )
            )
        else:
            connection = await open_room(
                access,
                timeout_s=_remaining_s(deadline_s),
                with_sound=with_sound,
                settings=room.settings,
            )
            return Opened(connection=connection, origin=route.origin)
    url = await _url(route, deadline_s)
    connection = await open_connection(
        url,
        timeout_s=_remaining_s(deadline_s),
        subprotocols=route.subprotocols,
        ssl_context=route.ssl_context,
    )
    # To an orchestrator nothing else goes.
    return Opened(connection=connection, origin=None if route.origin is None else origin_of(url))


def _remaining_s(deadline_s: float) -> float:
    # An error shows it to a person.
    return round(deadline_s - asyncio.get_running_loop().time(), 2)


async def _url(route: Route, deadline_s: float) -> str:
    """Where the conversation is; a signed URL for it is fetched if there is a key."""
    assert route.url is not None
    request = route.signed_url_request
    if request is None:
        return route.url
    try:
        signed_url = await fetch_signed_url(
            request, timeout_s=_remaining_s(deadline_s), ssl_context=route.ssl_context
        )
    except SignedUrlRefused as refused:
        # A key that was merely found must not keep anybody from an agent that needs none.
        if request.key.is_explicit or refused.http_status not in NOT_FOR_THIS_KEY:
            raise
        logger.warning("%s; the agent is taken for a public one", refused)
        return route.url
    return signed_conversation_url(signed_url, environment=request.environment)


async def _room_access(room: RoomRoute, route: Route, deadline_s: float) -> RoomAccess:
    """Where the room is, and a token for it, which is fetched if there is none."""
    if room.token_request is None:
        assert room.token is not None
        assert room.livekit_url is not None
        return RoomAccess(livekit_url=room.livekit_url, token=room.token)
    answer = await _token(room.token_request, route, deadline_s)
    origin = room.token_request.origin
    livekit_url = room.livekit_url or answer.livekit_url or livekit_url_of(origin)
    if livekit_url is None:
        raise SessionConnectionError(
            f"{server_of(origin)} gave a token for WebRTC, but did not say where "
            "its LiveKit server is (no livekit_url in its answer); pass livekit_url"
        )
    return RoomAccess(livekit_url=livekit_url, token=answer.token)


async def _token(request: TokenRequest, route: Route, deadline_s: float) -> TokenAnswer:
    async def fetched(asked: TokenRequest) -> TokenAnswer:
        return await fetch_conversation_token(
            asked, timeout_s=_remaining_s(deadline_s), ssl_context=route.ssl_context
        )

    try:
        return await fetched(request)
    except ConversationTokenRefused as refused:
        key = request.key
        if key is None or key.is_explicit or refused.http_status not in NOT_FOR_THIS_KEY:
            raise
        logger.warning("%s; the agent is taken for a public one", refused)
    return await fetched(replace(request, key=None))
