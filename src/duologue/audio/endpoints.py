"""What a microphone and a speaker are to a conversation: a source and a sink of samples.

Anything that has these attributes can stand in for the devices: a file, an array, a phone call.
Both carry mono samples of 16 bits as a `memoryview` of little-endian bytes; a `memoryview` of
int16 items (format `"h"`) is accepted wherever samples are handed in.

A device may block while it opens or closes, so a conversation calls `start` and `stop` in threads
of their own, not in its event loop; one that needs the loop gets it by
`asyncio.run_coroutine_threadsafe` or `loop.call_soon_threadsafe`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from duologue.dialogue.values import DeviceChange

_logger = logging.getLogger("duologue")


class Source(Protocol):
    """Where the user's voice comes from.

    Attributes:
        sample_rate_hz: samples a second of what it delivers; fixed while it runs.
        failed: assigned by the conversation before `start`. The source calls it, from any thread,
            when it cannot go on; it delivers nothing afterwards.
    """

    sample_rate_hz: int
    failed: Callable[[Exception], None]

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        """Begin to deliver samples at the pace of real time, and return at once.

        `deliver` may be called from any thread, but by one thread at a time. It returns quickly and
        never raises. The memory belongs to the receiver.
        """

    def stop(self) -> None:
        """Deliver nothing more and release everything. Without effect if it is not running."""


class Sink(Protocol):
    """Where the agent's voice goes. It is pulled: it asks for samples when it needs them.

    Attributes:
        sample_rate_hz: samples a second of what it asks for; fixed while it runs.
        failed: assigned by the conversation before `start`. The sink calls it, from any thread,
            when it cannot go on; it asks for nothing afterwards.
    """

    sample_rate_hz: int
    failed: Callable[[Exception], None]

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Begin to ask for samples at the pace of real time, and return at once.

        `render(frames)` returns exactly `frames` samples (two bytes each), zeros when there is
        nothing to play. It may be called from any thread, but by one thread at a time; it returns
        quickly and never raises.
        """

    def stop(self) -> None:
        """Ask for nothing more and release everything. Without effect if it is not running."""


@runtime_checkable
class Switchable(Protocol):
    """A source or sink that can go on with another device.

    Attributes:
        changed: assigned by the conversation before `start`. Called, from any thread, when another
            device is in use than was, or than was asked for.
    """

    changed: Callable[[DeviceChange], None]

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        """Go on with the device of that id, or with the default one; may block.

        Args:
            device_id: the id; None for the system's default.
            device_rate_hz: the rate to open it at; None for `sample_rate_hz`, which stays as it is.

        Raises:
            DeviceError: it cannot be opened; the one in use stays so.
        """


def log_failure(error: Exception) -> None:
    """Report a failure of a source or sink that no conversation has taken charge of."""
    _logger.error("A source or sink of sound failed: %s", error)
