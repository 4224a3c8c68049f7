"""Generated from `duologue.connection.http.feedback` by `make blocking`; not to be edited."""

from __future__ import annotations

import ssl

from duologue.blocking.loop_thread import run
from duologue.connection.http.endpoints import Region
from duologue.connection.http.feedback import DEFAULT_TIMEOUT_S
from duologue.connection.http.feedback import post_overall_feedback as asyncio_post_overall_feedback


def post_overall_feedback(
    conversation_id: str,
    like: bool | None = None,
    *,
    rating: int | None = None,
    comment: str | None = None,
    origin: str | None = None,
    region: Region | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
    ssl_context: ssl.SSLContext | None = None,
) -> None:
    """Rate a whole conversation, by its id.

    Exactly one of `like` and `rating` is needed. No key goes along, as none does from ElevenLabs'
    JavaScript client.

    Args:
        conversation_id: the conversation's `id`.
        like: whether it was good.
        rating: how good it was; which numbers it may be is the server's to say.
        comment: words to go with `rating`.
        origin: the server; without it that in `DUOLOGUE_ORIGIN`, or else ElevenLabs' own.
        region: ElevenLabs' server there, such as "eu-residency"; not together with `origin`.
        timeout: how many seconds the server may take.
        ssl_context: how TLS is done with the server; None for the usual way.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: neither `like` nor `rating` is given, or both are, or `comment` without
            `rating`, or `origin` and `region`; the id is empty; the origin or the region is none;
            `timeout` is not positive; or `comment` has half a surrogate pair.
        RequestRefused: the server answered with an error, such as 404 for an unknown id.
        RequestFailed: the server cannot be reached, or is too slow.
    """
    run(
        lambda: asyncio_post_overall_feedback(
            conversation_id,
            like,
            rating=rating,
            comment=comment,
            origin=origin,
            region=region,
            timeout=timeout,
            ssl_context=ssl_context,
        ),
        "post_overall_feedback",
    )
