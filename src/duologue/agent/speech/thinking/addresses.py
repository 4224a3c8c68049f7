"""Where a language model is."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True if what goes to this host stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
