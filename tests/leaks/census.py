"""What is alive in this process: threads, tasks, sockets, files, and objects of the client's."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

COUNTED_OBJECTS: Final = ("duologue.conversation.", "duologue.connection.", "duologue.audio.")
"""The modules whose instances belong to a session, and go with it."""

WAIT_S: Final = 10.0
"""How long a busy machine may take until the last thread or socket has gone."""


@dataclass(frozen=True)
class Census:
    """What was alive at one moment, by kind and name."""

    kinds: Mapping[str, Counter[str]]

    @classmethod
    def take(cls) -> Census:
        """Count what is alive now, in all event loops, after a full collection."""
        gc.collect()
        objects = gc.get_objects()
        descriptors = list(_descriptors())
        return cls(
            {
                # An event loop keeps the workers in which it looks up names and proxies.
                "threads": Counter(
                    thread.name
                    for thread in threading.enumerate()
                    if not thread.name.startswith("asyncio_")
                ),
                "tasks": Counter(
                    _name(task)
                    for task in objects
                    if issubclass(type(task), asyncio.Task) and not task.done()
                ),
                "sockets": Counter(name for name in descriptors if name.startswith("socket:")),
                "other files": Counter(
                    name for name in descriptors if not name.startswith("socket:")
                ),
                "client objects": Counter(
                    type(thing).__qualname__
                    for thing in objects
                    if str(type(thing).__module__).startswith(COUNTED_OBJECTS)
                ),
            }
        )

    @classmethod
    def settled(cls, before: Census, wait: Callable[[], object]) -> Census:
        """A census taken once nothing is left that was not there `before`, or after 10 s.

        Args:
            wait: lets a little time pass.
        """
        deadline_s = time.monotonic() + WAIT_S
        while True:
            census = cls.take()
            if not census.beyond(before) or time.monotonic() > deadline_s:
                return census
            wait()

    def beyond(self, before: Census) -> dict[str, Counter[str]]:
        """What is alive that was not `before`, by kind; empty if there is nothing."""
        more = {kind: names - before.kinds[kind] for kind, names in self.kinds.items()}
        return {kind: names for kind, names in more.items() if names}


def table(before: Census, after: Census, sessions: int) -> str:
    """Both counts of every kind, for people."""
    rows = [f"{'alive':<16}{'before':>8}{f'after {sessions} sessions':>22}"]
    for kind, names in before.kinds.items():
        rows.append(f"{kind:<16}{names.total():>8}{after.kinds[kind].total():>22}")
    return "\n".join(rows)


def _descriptors() -> list[str]:
    """What the open file descriptors stand for (Linux). A socket's name is its own."""
    names = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue  # that of the listing itself
    return names


def _name(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", repr(coroutine))
