"""One request to a server over HTTP: with limits, and with errors that show no secret."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import aiohttp
import msgspec

from duologue.connection.http.credentials import ApiKey
from duologue.connection.http.endpoints import MEMORY_SCHEME, server_of
from duologue.connection.http.failures import explanation
from duologue.connection.http.proxies import way_to
from duologue.errors import RequestFailed, RequestRefused, SessionConnectionError

KEY_HEADER: Final = "xi-api-key"

ANSWER_LIMIT_BYTES: Final = 64 * 1024
"""More than this is no answer to what is asked here; ElevenLabs' have less than 1 kB."""

DETAIL_LIMIT: Final = 300
"""So many characters of a server's explanation go into an error."""

Body = aiohttp.FormData | aiohttp.BytesPayload


async def ask(
    method: str,
    url: str,
    *,
    purpose: str,
    timeout_s: float,
    body: Body | None = None,
    key: ApiKey | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> bytes:
    """Send a request, and return the body of the answer. Cancelling releases everything.

    Redirects are not followed: they would take the key or the body elsewhere. What is for this
    machine goes through no proxy, which would read it.

    Args:
        method: such as "GET".
        url: where to; nothing in it may be secret.
        purpose: what the server is to do, as a sentence goes on after "did not".
        timeout_s: how long all of it may take.
        body: what to send.
        key: the key to show.
        ssl_context: how to check the server's certificate; None takes the system's way.

    Raises:
        RequestRefused: the server answered with a status other than 2xx.
        RequestFailed: the server cannot be reached, or takes too long.
    """
    server = server_of(url)
    if server.startswith(MEMORY_SCHEME):
        raise RequestFailed(
            f"{server} cannot be asked to {purpose}: an agent in memory is called, but not asked "
            "over HTTP; take an agent behind a socket"
        )
    try:
        way = await way_to(url)
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(), connector=way.connector) as http,
            http.request(
                method,
                url,
                data=body,
                headers={KEY_HEADER: key.value} if key else None,
                allow_redirects=False,
                proxy=way.proxy,
                ssl=ssl_context or True,
            ) as response,
        ):
            answer = await _limited(response)
    except TimeoutError:
        raise RequestFailed(
            f"{server} did not {purpose} within {timeout_s:g} s; check the address, or allow more"
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        # The cause stays out of tracebacks: it may show the request with its key.
        raise RequestFailed(f"{server} cannot be asked to {purpose} {explanation(error)}") from None
    except SessionConnectionError as error:  # a proxy that cannot be used
        raise RequestFailed(str(error)) from None
    if not 200 <= response.status < 300:
        raise _refused(f"{server} did not {purpose}", response.status, answer, key)
    return answer


def checked_timeout_s(timeout: object) -> float:
    """A caller's option `timeout`, in seconds.

    Raises:
        TypeError: it is no number.
        ValueError: it is not positive, or without end.
    """
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise TypeError(f"timeout must be a number of seconds, not {type(timeout).__name__}")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout}")
    return float(timeout)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(4096):
        body += chunk
        if len(body) > ANSWER_LIMIT_BYTES:
            break
    return bytes(body)


class _Detail(msgspec.Struct):
    message: str = ""


class _Problem(msgspec.Struct):
    msg: str = ""


class _Refusal(msgspec.Struct):
    detail: _Detail | str | list[_Problem]


def _refused(what: str, status: int, body: bytes, key: ApiKey | None) -> RequestRefused:
    detail = _detail(body)
    if key is not None:
        detail = detail.replace(key.value, "…")
    detail = detail[:DETAIL_LIMIT]
    return RequestRefused(
        f"{what}: HTTP status {status}{f', {detail}' if detail else ''}",
        http_status=status,
        detail=detail or None,
    )


def _detail(body: bytes) -> str:
    """The explanation in an error of ElevenLabs' API; empty if there is none."""
    try:
        detail = msgspec.json.decode(body, type=_Refusal).detail
    except ValueError:  # msgspec's errors are ValueErrors, too
        return ""
    if isinstance(detail, list):
        return "; ".join(problem.msg for problem in detail if problem.msg)
    return detail if isinstance(detail, str) else detail.message
