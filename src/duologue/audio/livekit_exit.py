"""Leaving a program that used LiveKit's library without a crash at its very end."""

from __future__ import annotations

import atexit
import sys
import time
import traceback
from functools import cache
from typing import Final

GRACE_S: Final = 0.03
"""Long enough for LiveKit's threads to get into Python: they wait for nothing but this one."""

RETURN_LIMIT_S: Final = 2.0
POLL_S: Final = 0.005

CALLBACK: Final = "ffi_event_callback"
"""What LiveKit's library calls from threads of its own, as its Python client names it."""


@cache
def let_callbacks_return_at_exit() -> None:
    """At the program's end, wait until no thread of LiveKit's library runs Python code any more.

    Before Python 3.14 the interpreter ends a thread that wants to run Python code after its end by
    unwinding it; Rust allows no such thing, and aborts the process, whatever its exit code was to
    be. LiveKit calls Python with each batch of its log, and does not wait for it to return.

    To be called before LiveKit's library is first used: functions for the exit run in the reverse
    order, and this one has to come after LiveKit's own, from which on no call begins any more.
    Waits 30 ms as a rule, and 2 s at most.
    """
    atexit.register(_let_callbacks_return)


def _let_callbacks_return() -> None:
    if "livekit.rtc" not in sys.modules:
        return
    time.sleep(GRACE_S)
    end = time.monotonic() + RETURN_LIMIT_S
    while _is_called_back() and time.monotonic() < end:
        time.sleep(POLL_S)


def _is_called_back() -> bool:
    return any(
        frame.f_code.co_name == CALLBACK
        for innermost in sys._current_frames().values()
        for frame, _ in traceback.walk_stack(innermost)
    )
