"""Rating a whole conversation, while it goes on or after it."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp
import msgspec

from duologue.connection.http.endpoints import Region, chosen_origin, conversation_part_url
from duologue.connection.http.request import ask, checked_timeout_s

DEFAULT_TIMEOUT_S: Final = 10.0


async def post_overall_feedback(
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
    """Rate a whole conversation, by its id. Cancelling releases everything.

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
    feedback = _feedback(like, rating, comment)
    timeout_s = checked_timeout_s(timeout)
    await ask(
        "POST",
        conversation_part_url(chosen_origin(origin, region), conversation_id, "feedback"),
        purpose=f"take the rating of the conversation {conversation_id!r}",
        timeout_s=timeout_s,
        body=aiohttp.BytesPayload(msgspec.json.encode(feedback), content_type="application/json"),
        ssl_context=ssl_context,
    )


def _feedback(like: object, rating: object, comment: object) -> dict[str, object]:
    _check_types(like, rating, comment)
    if (like is None) == (rating is None):
        both = "contradict each other" if like is not None else "are both missing"
        raise ValueError(
            f"like and rating {both}: pass either like=True or like=False, or rating=…"
        )
    if rating is None:
        if comment is not None:
            raise ValueError("comment and like contradict each other: a comment goes with rating")
        return {"feedback": "like" if like else "dislike"}
    return {"rating": rating} if comment is None else {"rating": rating, "comment": comment}


def _check_types(like: object, rating: object, comment: object) -> None:
    if not isinstance(like, bool | None):
        raise TypeError(f"like must be True or False, not {like!r}")
    if not isinstance(rating, int | None) or isinstance(rating, bool):
        raise TypeError(f"rating must be a whole number, not {rating!r}")
    if not isinstance(comment, str | None):
        raise TypeError(f"comment must be a string, not {type(comment).__name__}")
