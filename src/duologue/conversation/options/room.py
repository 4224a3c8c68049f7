"""The way into a WebRTC room that a caller's options ask for."""

from __future__ import annotations

from duologue.connection.http.credentials import api_key_for
from duologue.connection.http.endpoints import livekit_url_of, server_of, socket_url
from duologue.connection.http.tokens import TokenRequest
from duologue.connection.webrtc.entry import RoomRoute
from duologue.conversation.options.reading import Options, environment_of, optional_text, text
from duologue.conversation.options.transport import room_settings
from duologue.conversation.options.wishes import of_token


def room_route(options: Options, origin: str, *, is_inferred: bool) -> RoomRoute:
    """The way into the room.

    Args:
        origin: the server that knows the agent.
        is_inferred: whether the options leave open which transport it is.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: an address that is none, or not known.
    """
    livekit_url = None
    if "livekit_url" in options:
        livekit_url = socket_url(text(options, "livekit_url"), "livekit_url")
    settings = room_settings(options)
    if "conversation_token" not in options:
        request = TokenRequest(
            origin=origin,
            agent_id=text(options, "agent_id"),
            key=api_key_for(origin, optional_text(options, "api_key")),
            **environment_of(options),
            wishes=of_token(options),
        )
        return RoomRoute(
            token_request=request,
            livekit_url=livekit_url,
            is_inferred=is_inferred,
            settings=settings,
        )
    livekit_url = livekit_url or livekit_url_of(origin)
    if livekit_url is None:
        raise ValueError(
            "conversation_token is for a room, but nothing says on which LiveKit server: none is "
            f"known for {server_of(origin)}; pass livekit_url as well"
        )
    return RoomRoute(
        token=text(options, "conversation_token").strip(),
        livekit_url=livekit_url,
        settings=settings,
    )
