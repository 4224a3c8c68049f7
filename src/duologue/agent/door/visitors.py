"""Who is connected, from where, and what is told of those who are turned away."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final

from duologue.agent.limits import DoorLimits

logger = logging.getLogger("duologue.agent.door")

TELL_EVERY_S: Final = 60.0
ADDRESSES_REMEMBERED: Final = 10_000
"""Of so many it is known that they were told of; of more the oldest are told of anew."""

UNKNOWN: Final = "an unknown address"


class Visitors:
    """All connections of a server, each from its beginning to its end. For one event loop.

    Args:
        limits: how many there may be.
        open_files: how many files the process may open; None if that has no bound.
        now: gives seconds that never go back.
    """

    def __init__(
        self,
        limits: DoorLimits,
        open_files: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._most = limits.connections
        if open_files is not None:
            self._most = min(self._most, max(1, open_files // 2))
        self._now = now
        self._address_of: dict[Any, str] = {}
        self._of_address: Counter[str] = Counter()
        self._told_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._address_of)

    def enter(self, connection: Any, address: str) -> tuple[int, str] | None:
        """Count a connection in; or give the status and the sentence with which it is refused."""
        if len(self._address_of) >= self._most:
            return 503, f"This server has {self._most} connections already; try again later."
        of_address = self._limits.connections_of_address
        if self._of_address[address] >= of_address and not _is_of_this_machine(address):
            return 429, f"{of_address} connections come from {address} already."
        self._address_of[connection] = address
        self._of_address[address] += 1
        return None

    def leave(self, connection: Any) -> None:
        """Count a connection out. Without effect for one that is not counted."""
        address = self._address_of.pop(connection, None)
        if address is None:
            return
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def tell(self, address: str, what: str) -> None:
        """Log what somebody there did that is refused, once a minute."""
        now_s = self._now()
        told_s = self._told_s.get(address)
        if told_s is not None and now_s - told_s < TELL_EVERY_S:
            return
        self._told_s[address] = now_s
        self._told_s.move_to_end(address)
        if len(self._told_s) > ADDRESSES_REMEMBERED:
            self._told_s.popitem(last=False)
        logger.warning("Refused %s: %s", address, what)


def _is_of_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
