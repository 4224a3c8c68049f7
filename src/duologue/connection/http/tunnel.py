"""A connection through a proxy that hands bytes on: SOCKS, or HTTP with CONNECT."""

from __future__ import annotations

import ssl
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from aiohttp.connector import Connection
from aiohttp_socks import (
    ProxyConnectionError,
    ProxyConnector,
    ProxyError,
    ProxyTimeoutError,
    ProxyType,
)

from duologue.connection.http.proxies import ProxyFailed

_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_SOCKS_PORT: Final = 1080
_KIND: Final = {
    "http": ProxyType.HTTP,
    "https": ProxyType.HTTP,
    "socks4": ProxyType.SOCKS4,
    "socks4a": ProxyType.SOCKS4,
    "socks5": ProxyType.SOCKS5,
    "socks5h": ProxyType.SOCKS5,
}


class Tunnel(ProxyConnector):
    """Connects a session of aiohttp's through a proxy, which also looks up names.

    Only plain SOCKS 4 knows no names, so there they are looked up here.
    """

    @classmethod
    def through(cls, proxy: str) -> Tunnel:
        """A tunnel through the proxy of this URL, whose scheme has been checked."""
        parts = urlsplit(proxy)
        return cls(
            proxy_type=_KIND[parts.scheme],
            host=parts.hostname or "",
            port=parts.port or _DEFAULT_PORT.get(parts.scheme, _SOCKS_PORT),
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            rdns=parts.scheme != "socks4",
            proxy_ssl=ssl.create_default_context() if parts.scheme == "https" else None,
        )

    async def connect(self, *args: Any, **options: Any) -> Connection:
        """See `aiohttp.BaseConnector.connect`.

        Raises:
            ProxyFailed: the proxy does not answer, or refuses.
        """
        try:
            return await super().connect(*args, **options)
        except ProxyError as error:
            # The chain stays out of tracebacks: it may show the proxy's password.
            raise ProxyFailed(f"refused: {error}") from None
        except (ProxyConnectionError, ProxyTimeoutError):
            raise ProxyFailed("does not answer") from None
