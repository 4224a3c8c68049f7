"""A lock on a folder between processes, which the system lets go when its holder dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


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
    with (folder / LOCK_FILE_NAME).open("ab") as stream:
        if not _try_lock(stream):
            on_wait()
            _wait_for_lock(stream, folder, limit_seconds)
        # Closing the file lets the lock go.
        yield


def _wait_for_lock(stream: IO[bytes], folder: Path, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not _try_lock(stream):
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process has held {folder} for {limit_seconds:g} s")
        time.sleep(POLL_SECONDS)
