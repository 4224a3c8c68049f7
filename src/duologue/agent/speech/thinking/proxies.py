"""Whether a language model elsewhere can be reached through the proxy of the environment."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from duologue.agent.speech.thinking.addresses import is_loopback
from duologue.errors import ModelError


def check_proxy(base_url: str) -> None:
    """See that no SOCKS proxy is on the way to a model: its client knows HTTP proxies only.

    Raises:
        ModelError: there is one.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return
    proxies = getproxies()
    name = parts.scheme if proxies.get(parts.scheme) else "all"
    kind = urlsplit(proxies.get(name, "")).scheme
    if kind.startswith("socks"):
        raise ModelError(
            f"the language model at {host} would have to be reached through a SOCKS proxy "
            f"({name.upper()}_PROXY is one of {kind}), which is not possible; name an HTTP proxy "
            f"in {parts.scheme.upper()}_PROXY, or put {host} into NO_PROXY"
        )
