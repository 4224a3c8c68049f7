"""What a server and the program that started it tell each other.

The server prints one line of JSON with its URL. The program holds a pipe to it, whose end is the
server's end.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import threading
from types import FrameType


def announcement(url: str) -> str:
    """The line for a server that now answers at this URL."""
    return json.dumps({"event": "ready", "url": url})


def read_announcement(line: str) -> str | None:
    """The URL in such a line, or None if the line is something else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if isinstance(message, dict) and message.get("event") == "ready":
        url = message.get("url")
        return url if isinstance(url, str) else None
    return None


def interrupt_at_end_of(pipe: int) -> None:
    """Interrupt this process, as Ctrl-C does, when a pipe ends. To be called in the main thread.

    The other end is held by the process that started this one: when that ends, however it ends,
    this one does not stay behind. Where Ctrl-C is ignored, as in a job in the background, it still
    is; the end of the pipe never is.

    Args:
        pipe: the file descriptor to read from; what comes is ignored.
    """
    ended = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if ended.is_set():
            raise KeyboardInterrupt

    def wait() -> None:
        # Not through a buffered file: the interpreter aborts at its end if a thread holds one.
        while os.read(pipe, 4096):
            pass
        ended.set()
        _thread.interrupt_main()

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # then interrupt_main would do nothing
        signal.signal(signal.SIGINT, interrupt)
    threading.Thread(target=wait, name="end of pipe", daemon=True).start()
