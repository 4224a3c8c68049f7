"""A program that runs for a test, and ends with it however that ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
START_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 15.0


class TiedProgram:
    """A program on this machine's loopback; see `duologue.agent.tied_process`.

    Args:
        command: what to run.
        log: a file for what it says.
        environment: variables besides those of this process.
        answers: whether it is ready; asked again and again.

    Raises:
        RuntimeError: it did not start, and what it said.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        answers: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "duologue.agent.tied_process", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )
        give_up_at_s = time.monotonic() + START_LIMIT_S
        while time.monotonic() < give_up_at_s and self._process.poll() is None:
            with suppress(OSError):
                if answers():
                    return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")

    def stop(self) -> None:
        """Ask it to end, as a service manager does, and wait until it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody has just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
