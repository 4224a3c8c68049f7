"""`duologue devices`: the microphones and speakers of this machine."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table


def devices() -> None:
    """List the microphones and speakers of this machine."""
    from duologue.audio.devices.listing import list_devices  # loads what opens devices

    table = Table("kind", "name", Column("id", overflow="fold"), "default", "rates (Hz)")
    for device in list_devices():
        table.add_row(
            device.kind,
            escape(device.name),
            escape(device.id),
            "yes" if device.is_default else "",
            ", ".join(map(str, device.sample_rates_hz)),
        )
    Console().print(table)
