"""Runs a program for as long as its own standard input is open: `python -m … PROGRAM ARGUMENTS`.

Whoever starts it holds the other end of the pipe. When that process ends, however it ends, the
system closes the pipe, and the program does not stay behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

STOP_LIMIT_S = 1.0
"""A server that takes its time, such as for its clients to leave, is not waited for longer."""


def main() -> int:
    """Run the program; give its exit code."""
    # Ctrl-C reaches every process of a terminal's session; the one that holds the pipe decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_stop_at_end_of_input, args=(process,), daemon=True).start()
    return process.wait()


def _stop_at_end_of_input(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
