"""One client with many conversations, in a process of its own; prints what they cost as JSON.

python -m benchmarks.client_cost.client KIND LOOP MEDIUM CALLS SECONDS PORT
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.client_cost.load import latenesses_ms, percentile
from duologue.connection.websocket import opening

SETTLING_S: Final = 1.0
"""Between the last start and the measurement."""

LIMIT_S: Final = 60.0
"""For all starts, and for all ends."""

PROBE_EVERY: Final = 20
"""In one of so many conversations it is measured when the agent's sound came; in all of them it
would cost what is not to be measured."""


class Client(Protocol):
    """Many conversations of one kind of client.

    Attributes:
        arrivals_s: for each of some conversations, when each piece of the agent's sound came.
    """

    arrivals_s: list[list[float]]

    async def start(self, calls: int) -> None:
        """Start all of them at once, and return when they are connected."""

    async def end(self) -> None:
        """End all of them at once, and return when nothing is left."""

    def lost(self) -> dict[str, float]:
        """What was lost, as far as this kind of client knows it."""


KINDS: Final = {
    "ours": "benchmarks.client_cost.ours:Ours",
    "floor": "benchmarks.client_cost.floor:Floor",
    "sdk": "benchmarks.client_cost.official:Async",
    "sdk-threads": "benchmarks.client_cost.official:Threaded",
}
FLOOR_IN_ROOMS: Final = "benchmarks.client_cost.room_floor:RoomFloor"


async def measure(kind: str, medium: str, calls: int, seconds: float, port: str) -> dict[str, Any]:
    """Hold the conversations, and give what they cost."""
    place = FLOOR_IN_ROOMS if (kind, medium) == ("floor", "room") else KINDS[kind]
    module, name = place.split(":")
    make: Callable[[str, str], Client] = getattr(importlib.import_module(module), name)
    client = make(f"ws://127.0.0.1:{port}", medium)
    gc.collect()
    empty_bytes, threads_before = resident_bytes(), threading.active_count()
    began_s = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        await client.start(calls)
    started_s = time.monotonic()
    await asyncio.sleep(SETTLING_S)
    from_s, used_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    until_s, used_s = time.monotonic(), time.process_time() - used_s
    held_bytes, threads = resident_bytes(), threading.active_count()
    late_ms = [
        late for arrivals in client.arrivals_s for late in latenesses_ms(arrivals, from_s, until_s)
    ]
    lost = client.lost()
    ending_s = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        await client.end()
    ended_s = time.monotonic()
    return {
        "from_s": from_s,
        "until_s": until_s,
        "cpu_ms": 1000 * used_s / (until_s - from_s) / calls,
        "late_p50_ms": percentile(late_ms, 50),
        "late_p99_ms": percentile(late_ms, 99),
        "memory_mb": (held_bytes - empty_bytes) / calls / 1e6,
        "starts_per_s": calls / (started_s - began_s),
        "ends_per_s": calls / (ended_s - ending_s),
        "threads": threads - threads_before,
        "threads_left": threading.active_count() - threads_before,
        "tasks_left": len(asyncio.all_tasks()) - 1,
        **lost,
    }


def resident_bytes() -> int:
    """How much memory this process holds."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


def main() -> None:
    """Measure, and print."""
    kind, loop, medium, calls, seconds, port = sys.argv[1:]
    measuring = measure(kind, medium, int(calls), float(seconds), port)
    if loop == "asyncio":
        opening.HAS_PICOWS = False  # as without the extra `speed`
    if loop == "uvloop":
        import uvloop

        figures = uvloop.run(measuring)
    else:
        figures = asyncio.run(measuring)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
