"""Measures every kind of client in turn, and prints the table; see the package."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.client_cost.serving import load_server

VARIANTS: Final = (
    "floor:asyncio",
    "ours:asyncio",
    "floor:uvloop",
    "ours:uvloop",
    "sdk:asyncio",
    "sdk-threads:asyncio",
)
CALLS: Final = (1, 50, 150, 300)
MEDIA: Final = ("voice", "text", "room")
ROOM_CALLS: Final = (1, 10, 30)
ROOM_KINDS: Final = ("floor", "ours")
"""ElevenLabs' Python SDK has no WebRTC."""
SECONDS: Final = 10.0
LIMIT_S: Final = 200.0

COLUMNS: Final = (
    ("calls", "calls", "d"),
    ("variant", "client", "s"),
    ("cpu_ms", "CPU ms/s", ".2f"),
    ("ratio", "x floor", ".2f"),
    ("up_late_p50_ms", "up p50 ms", ".1f"),
    ("up_late_p99_ms", "p99", ".1f"),
    ("late_p50_ms", "down p50 ms", ".1f"),
    ("late_p99_ms", "p99", ".1f"),
    ("memory_mb", "MB each", ".2f"),
    ("starts_per_s", "starts/s", ".0f"),
    ("ends_per_s", "ends/s", ".0f"),
    ("threads", "threads", "d"),
)


async def measured(variant: str, medium: str, calls: int, seconds: float) -> dict[str, Any]:
    """What one kind of client costs."""
    kind, loop = variant.split(":")
    async with load_server(in_rooms=medium == "room") as server:
        client = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.client_cost.client"),
            *(kind, loop, medium, str(calls), str(seconds), server.port),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                output, _ = await client.communicate()
        except TimeoutError:
            client.kill()
            await client.wait()
            output = b""
        row: dict[str, Any] = {"variant": variant, "medium": medium, "calls": calls}
        if client.returncode or not output:
            return row | {"failed": True}
        figures: dict[str, Any] = json.loads(output)
        seen = await server.report(figures["from_s"], figures["until_s"])
    return row | figures | {f"up_{name}": value for name, value in seen.items()}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].split(":", 1)[1].strip() if names else ""
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def table(rows: Sequence[dict[str, Any]], medium: str) -> str:
    """The rows of one medium as text."""
    lines = [[title for _, title, _ in COLUMNS]]
    for row in rows:
        if row["medium"] != medium:
            continue
        if row.get("failed"):
            lines.append([str(row["calls"]), row["variant"], "never finished"])
            continue
        row["ratio"] = row["cpu_ms"] / _floor_ms(rows, row)
        lines.append([format(row[name], form) for name, _, form in COLUMNS])
    widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=False))
        for line in lines
    )


def _floor_ms(rows: Sequence[dict[str, Any]], row: dict[str, Any]) -> float:
    """What the floor on the same event loop costs."""
    loop = row["variant"].split(":")[1]
    for other in rows:
        alike = all(other[name] == row[name] for name in ("medium", "calls"))
        if alike and other["variant"] == f"floor:{loop}" and "cpu_ms" in other:
            return float(other["cpu_ms"])
    return float("nan")


async def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client_cost")
    parser.add_argument(
        "--calls", type=int, nargs="+", help="by default 1 50 150 300; rooms: 1 10 30"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--kinds", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--media", nargs="+", default=MEDIA, choices=MEDIA)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    rows = []
    for medium in options.media:
        in_rooms = medium == "room"
        kinds = [one for one in options.kinds if not in_rooms or one.split(":")[0] in ROOM_KINDS]
        for calls in options.calls or (ROOM_CALLS if in_rooms else CALLS):
            rows += [await measured(kind, medium, calls, options.seconds) for kind in kinds]
        print(f"\n{medium}, {options.seconds:g} s\n{table(rows, medium)}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
