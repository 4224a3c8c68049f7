"""Changing a device of a conversation while it goes on."""

from __future__ import annotations

import asyncio
from functools import partial

from duologue.audio.endpoints import Sink, Source, Switchable
from duologue.conversation.sound.device import OPENING_LIMIT_S
from duologue.conversation.threads import in_thread
from duologue.errors import DeviceError


async def switched(
    name: str,
    endpoint: Source | Sink,
    device_id: str | None,
    device_rate_hz: int | None,
    limit_s: float = OPENING_LIMIT_S,
) -> None:
    """Let a source or sink go on with another device. Cancelling stops the waiting alone.

    Raises:
        DeviceError: it cannot be switched, or the device does not open within `limit_s`.
    """
    if not isinstance(endpoint, Switchable):
        raise DeviceError(
            f"the {name} of this conversation is a {type(endpoint).__name__}, which cannot be "
            "switched; leave the option out to have a device of the system's, or give yours a "
            "`switch` and a `changed` (see duologue.audio.endpoints.Switchable)"
        )
    switching = in_thread(
        partial(endpoint.switch, device_id, device_rate_hz=device_rate_hz),
        f"duologue {name} switch",
    )
    await asyncio.wait([switching], timeout=limit_s)
    if not switching.done():
        raise DeviceError(
            f"the {name} did not open within {limit_s:g} s; see whether another program holds it, "
            "or choose another"
        )
    switching.result()
