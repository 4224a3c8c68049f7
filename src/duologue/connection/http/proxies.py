"""Which proxy a connection goes through, as the environment or the system's settings say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from duologue.connection.http.credentials import is_loopback
from duologue.connection.http.endpoints import server_of
from duologue.errors import SessionConnectionError

_SETTING: Final = {"ws": "http", "http": "http", "wss": "https", "https": "https"}
"""By which setting each scheme finds its proxy: a WebSocket goes the way of its handshake.

aiohttp, left to itself, would look for `WSS_PROXY`, which nobody sets.
"""

_HTTP_SCHEMES: Final = ("http", "https")
_SOCKS_SCHEMES: Final = ("socks5", "socks5h", "socks4", "socks4a")


class ProxyFailed(aiohttp.ClientError):
    """A proxy could not be used; the words go on after "the proxy on the way"."""


@dataclass(frozen=True)
class Way:
    """How aiohttp gets to a server: the two arguments of its session and its request.

    Attributes:
        proxy: the URL of a proxy that aiohttp knows how to use by itself.
        connector: what connects through another kind of proxy, or in another way; it belongs to the
            session that it is given to.
    """

    proxy: str | None = None
    connector: aiohttp.BaseConnector | None = None

    @property
    def is_direct(self) -> bool:
        """Whether no proxy is on it."""
        return self.proxy is None and self.connector is None


DIRECT: Final = Way()
"""The way without a proxy."""


async def way_to(url: str) -> Way:
    """The way to a URL, through its proxy if it has one.

    A WebSocket without TLS goes through an HTTP proxy by CONNECT, like one with TLS: proxies that
    read requests and pass them on know nothing of WebSockets. Through a SOCKS proxy goes
    everything; the proxy looks up names.

    Raises:
        SessionConnectionError: the proxy cannot be used.
    """
    proxy = await proxy_for(url)
    if proxy is None:
        return DIRECT
    is_http = urlsplit(proxy).scheme in _HTTP_SCHEMES
    if is_http and urlsplit(url).scheme != "ws":
        return Way(proxy=proxy)
    # Loaded by those who need it: most go through no proxy.
    from duologue.connection.http.tunnel import Tunnel

    return Way(connector=Tunnel.through(proxy))


async def proxy_for(url: str) -> str | None:
    """The proxy on the way to a URL; None if the way is direct, as it is within this machine.

    It comes from `HTTP_PROXY` or `HTTPS_PROXY`, or else from `ALL_PROXY`, unless `NO_PROXY`
    excludes the host; without them, on Windows and macOS, from the system's settings. It may have a
    password in it.

    Raises:
        SessionConnectionError: it is neither an HTTP nor a SOCKS proxy.
    """
    if is_loopback(url):
        return None
    # On Windows, the settings may send the host's name to a resolver.
    return await asyncio.to_thread(_proxy_for, url)


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    setting = _SETTING[parts.scheme]
    settings = getproxies()
    name = setting if settings.get(setting) else "all"
    proxy = settings.get(name)
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if not _is_usable(proxy):
        raise SessionConnectionError(
            f"the proxy {server_of(proxy)} on the way to {server_of(url)} cannot be used; expected "
            f"one like 'http://host:3128' or 'socks5h://host:1080' in {name.upper()}_PROXY, or the "
            "host in NO_PROXY"
        )
    return proxy


def _is_usable(proxy: str) -> bool:
    parts = urlsplit(proxy)
    try:
        _ = parts.port  # raises if it is no number
    except ValueError:
        return False
    return parts.scheme in (*_HTTP_SCHEMES, *_SOCKS_SCHEMES) and bool(parts.hostname)
