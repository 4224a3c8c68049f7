"""Which proxy a connection goes through, as the environment or the system's settings say."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from duologue.connection.http.credentials import is_loopback
from duologue.connection.http.endpoints import server_of
from duologue.errors import SessionConnectionError

_SETTING: Final = {"ws": "http", "http": "http", "wss": "https", "https": "https"}
"""By which setting each scheme finds its proxy: a WebSocket goes the way of its handshake.

aiohttp, left to itself, would look for `WSS_PROXY`, which nobody sets.
"""


async def proxy_for(url: str) -> str | None:
    """The proxy on the way to a URL; None if the way is direct, as it is within this machine.

    It comes from `HTTP_PROXY` or `HTTPS_PROXY` unless `NO_PROXY` excludes the host; without them,
    on Windows and macOS, from the system's settings. It may have a password in it.

    Raises:
        SessionConnectionError: it is no HTTP proxy.
    """
    if is_loopback(url):
        return None
    # On Windows, the settings may send the host's name to a resolver.
    return await asyncio.to_thread(_proxy_for, url)


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    setting = _SETTING[parts.scheme]
    proxy = getproxies().get(setting)
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise SessionConnectionError(
            f"the proxy {server_of(proxy)} on the way to {server_of(url)} cannot be used; expected "
            f"one like 'http://host:3128' in {setting.upper()}_PROXY, or the host in NO_PROXY"
        )
    return proxy
