"""A lock on a folder between processes, which the system lets go when its holder dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

POLL_SECONDS: Final = 0.2
LOCK_FILE_NAME: Final = ".lock"


@contextmanager
def locked(folder: Path, *, limit_seconds: float, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of an existing folder for the block; one process at a time does.

    `on_wait` is called once if another process holds it now.

    Raises:
        TimeoutError: the other process still held it after `limit_seconds`.
        OSError: the lock's file cannot be made.
    """
    lock = FileLock(folder / LOCK_FILE_NAME, poll_interval=POLL_SECONDS)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_wait()
        _wait_for(lock, folder, limit_seconds)
    try:
        yield
    finally:
        lock.release()


def _wait_for(lock: FileLock, folder: Path, limit_seconds: float) -> None:
    try:
        lock.acquire(timeout=limit_seconds)
    except Timeout:
        raise TimeoutError(f"another process has held {folder} for {limit_seconds:g} s") from None
