"""The way to the agent that a caller's options ask for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any

from duologue.connection.http.credentials import api_key_for
from duologue.connection.http.endpoints import (
    chosen_origin,
    conversation_url,
    origin_of,
    server_of,
    signed_conversation_url,
    socket_origin,
    socket_url,
)
from duologue.connection.http.signed_urls import SignedUrlRequest
from duologue.connection.webrtc.entry import RoomRoute
from duologue.connection.websocket.ends import subprotocols
from duologue.conversation.options import wishes
from duologue.conversation.options.orchestrator import orchestrator_url
from duologue.conversation.options.reading import (
    Options,
    contradiction,
    environment_of,
    optional_text,
    text,
)
from duologue.conversation.options.room import room_route
from duologue.conversation.options.transport import (
    asked_transport,
    check_transport,
    inferred_transport,
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """The way to an agent.

    Attributes:
        url: where the conversation is over WebSocket; with a `signed_url_request`, where it is if
            the agent turns out to be a public one. None if only a room is asked for.
        room: the way into a WebRTC room; None for a conversation over WebSocket.
        origin: the server, for other requests about the conversation; None for an orchestrator,
            to which nothing else goes.
        signed_url_request: how to get the URL of the conversation, if it must be asked for.
        subprotocols: what the WebSocket offers.
        ssl_context: how TLS is done; None for the usual way. A room's own connection knows the
            usual way only.
    """

    url: str | None = field(repr=False)  # may hold a signature
    origin: str | None = field(repr=False)  # may hold a password
    signed_url_request: SignedUrlRequest | None
    subprotocols: tuple[str, ...] = field(repr=False)  # may hold a token
    ssl_context: ssl.SSLContext | None
    room: RoomRoute | None = None


def route(options: Options, *, text_only: bool = False) -> Route:
    """The way to the agent that a caller's options ask for.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: options that are missing or contradict one another, or an address that is none.
    """
    check_transport(options)
    if "orchestrator" in options:
        url = socket_url(orchestrator_url(options), "orchestrator['url']")
        return _route(options, url, origin=None)
    if "signed_url" in options:
        url = signed_conversation_url(text(options, "signed_url"), **environment_of(options))
        return _route(options, url, origin=origin_of(url))
    if "agent_id" not in options and "conversation_token" not in options:
        raise ValueError(
            "either agent_id (a public agent), signed_url or conversation_token (a private one) or "
            "orchestrator (a server of your own) is needed"
        )
    origin = chosen_origin(optional_text(options, "origin"), optional_text(options, "region"))
    asked = asked_transport(options)
    room = None
    if (asked or inferred_transport(origin, text_only=text_only)) == "webrtc":
        room = room_route(options, origin, is_inferred=asked is None)
        if asked is not None:
            return _route(options, None, origin=origin, room=room)
    url = conversation_url(
        origin,
        text(options, "agent_id"),
        **environment_of(options),
        wishes=wishes.of_conversation(options),
    )
    request = _signed_url_request(options, origin)
    return _route(options, url, origin=origin, request=request, room=room)


def _route(
    options: Options,
    url: str | None,
    *,
    origin: str | None,
    request: SignedUrlRequest | None = None,
    room: RoomRoute | None = None,
) -> Route:
    return Route(
        url=url,
        origin=origin,
        signed_url_request=request,
        subprotocols=_subprotocols(options),
        ssl_context=_ssl_context(options, url or socket_origin(origin or "")),
        room=room,
    )


def _signed_url_request(options: Options, origin: str) -> SignedUrlRequest | None:
    key = api_key_for(origin, optional_text(options, "api_key"))
    if key is None:
        return None
    return SignedUrlRequest(
        origin=origin,
        agent_id=text(options, "agent_id"),
        key=key,
        **environment_of(options),
        wishes=wishes.of_signed_url(options),
    )


def _subprotocols(options: Options) -> tuple[str, ...]:
    # An orchestrator knows none, and a handshake that asks for one fails there.
    return () if "orchestrator" in options else subprotocols(_authorization(options))


def _authorization(options: Options) -> str | None:
    value = optional_text(options, "authorization")
    if value is None:
        return None
    if any(character in ' ,;"' or not "!" <= character <= "~" for character in value):
        # The value is a secret, so the message leaves it out.
        raise ValueError(
            "authorization cannot be sent, because it has spaces, commas, quotes, line breaks or "
            "characters beyond ASCII; pass the bare token, without 'Bearer' before it"
        )
    return value


def _ssl_context(options: Options, url: str) -> ssl.SSLContext | None:
    context: Any = options.get("ssl_context")
    if context is None:
        return None
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")
    if not url.lower().startswith("wss:"):
        raise contradiction(
            "ssl_context",
            f"the address {server_of(url)}",
            "nothing is encrypted there; use an address with wss:// or https://, or leave "
            "ssl_context out",
        )
    return context
