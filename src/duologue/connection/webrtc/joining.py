"""Joining a LiveKit room, and leaving it for certain."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient

from duologue.audio.livekit_exit import let_callbacks_return_at_exit
from duologue.connection.http.endpoints import server_of
from duologue.connection.webrtc.entry import RoomAccess, RoomSettings
from duologue.errors import SessionConnectionError

ATTEMPT_LIMIT_S: Final = 5.0
"""How long each of LiveKit's own four attempts to reach its server may take; its own default."""

LEAVE_LIMIT_S: Final = 2.0
"""How long a caller waits for leaving a room."""

_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")

_leaving: set[asyncio.Task[None]] = set()


class _WithoutTokens(logging.Filter):
    """Takes tokens out of LiveKit's log: a server repeats those that it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if _TOKEN.search(message):
            record.msg, record.args = _TOKEN.sub("…", message), ()
        return True


logging.getLogger("livekit").addFilter(_WithoutTokens())
let_callbacks_return_at_exit()


async def join(
    room: rtc.Room,
    access: RoomAccess,
    settings: RoomSettings,
    *,
    timeout_s: float,
    with_sound: bool,
) -> None:
    """Let `room` join. Cancelling leaves it again; LiveKit may go on trying for some seconds.

    Args:
        timeout_s: how long one attempt may take at most; the caller limits the whole.
        with_sound: whether tracks of others are wanted.

    Raises:
        SessionConnectionError: the server cannot be reached, or refuses.
    """
    options = rtc.RoomOptions(
        auto_subscribe=with_sound,
        rtc_config=_rtc_configuration(settings),
        connect_timeout=min(ATTEMPT_LIMIT_S, timeout_s),
        single_peer_connection=settings.single_peer_connection,
    )
    joining = asyncio.create_task(
        room.connect(access.livekit_url, access.token, options), name="duologue join room"
    )
    joining.add_done_callback(lambda joined: _unsubscribe(room) if joined.cancelled() else None)
    try:
        await asyncio.shield(joining)
    except asyncio.CancelledError:
        # LiveKit cannot be told to give up: what it still joins has to be left again.
        await _finish_in_background(_leave_once_joined(room, joining))
        raise
    except rtc.ConnectError as error:
        # The cause stays out of tracebacks: it may show the token.
        raise _connection_error(access.livekit_url, error.message) from None


async def leave(room: rtc.Room) -> None:
    """Leave a room; where there is nothing to leave, do nothing.

    Returns after 2 s at the latest: LiveKit may hang in a connection that was lost. It is left all
    the same, as soon as it lets itself be.
    """
    await _finish_in_background(room.disconnect())


def _unsubscribe(room: rtc.Room) -> None:
    """LiveKit does not do so when joining is cancelled, as the end of a loop does: whatever happens
    in other rooms would be kept for this one, and an error logged each time if its loop is closed.
    """
    if (subscription := getattr(room, "_ffi_queue", None)) is not None:
        FfiClient.instance.queue.unsubscribe(subscription)


async def _leave_once_joined(room: rtc.Room, joining: asyncio.Task[None]) -> None:
    with suppress(rtc.ConnectError):
        await joining
        await room.disconnect()


async def _finish_in_background(leaving: Coroutine[Any, Any, None]) -> None:
    """Wait for it for 2 s; cancelling does not cancel it."""
    task = asyncio.create_task(leaving, name="duologue leave room")
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)
    await asyncio.wait([task], timeout=LEAVE_LIMIT_S)


def _rtc_configuration(settings: RoomSettings) -> rtc.RtcConfiguration | None:
    if settings.ice_transport_policy == "all":
        return None
    return rtc.RtcConfiguration(ice_transport_type=rtc.IceTransportType.TRANSPORT_RELAY)


def _connection_error(url: str, message: str) -> SessionConnectionError:
    server = server_of(url)
    if "401" in message or "403" in message:
        return SessionConnectionError(
            f"the LiveKit server {server} refused the token; get another one, since each is for "
            "one room and a short time, or check `livekit_url`"
        )
    return SessionConnectionError(
        f"the LiveKit server {server} cannot be reached ({_TOKEN.sub('…', message)}); check "
        "`livekit_url`, or try connection_type='websocket'"
    )
