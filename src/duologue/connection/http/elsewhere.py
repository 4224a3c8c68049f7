"""Where a server's answer leads: never out of TLS, and to another host not without a word."""

from __future__ import annotations

import functools
import logging
from typing import Final
from urllib.parse import urlsplit

from duologue.connection.http.credentials import is_loopback
from duologue.connection.http.endpoints import server_of
from duologue.errors import SessionConnectionError

logger = logging.getLogger("duologue")

REMEMBERED: Final = 256
"""So many pairs of hosts are known to have been named in the log."""


def check_way_on(asked: str, named: str, what: str) -> None:
    """See whether the address that a server has named may be followed.

    Args:
        asked: the URL of the server that was asked.
        named: the URL that it has named; a secret.
        what: what that is the address of, such as "signed URL".

    Raises:
        SessionConnectionError: the server was asked over TLS, and what it names would go readably
            over a network.
    """
    if _is_secure(asked) and not _is_secure(named) and not is_loopback(named):
        raise SessionConnectionError(
            f"{server_of(asked)} was asked over TLS, but the {what} that it gives is without "
            f"({server_of(named)}); let it name an address with wss://. Is there a proxy in front "
            "that does not tell the server (X-Forwarded-Proto)?"
        )
    asked_host, named_host = urlsplit(asked).hostname or "", urlsplit(named).hostname or ""
    if asked_host != named_host:
        _tell_once(asked_host, named_host, what)


@functools.lru_cache(REMEMBERED)
def _tell_once(asked: str, named: str, what: str) -> None:
    logger.warning("%s gives a %s of another host, %s; it is followed", asked, what, named)


def _is_secure(url: str) -> bool:
    return urlsplit(url.strip()).scheme in ("https", "wss")
