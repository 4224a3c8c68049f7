"""`duologue worker` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from duologue.agent.settings import LiveKitSettings
from tests.real.agent_process import STOP_LIMIT_S, announced_url, livekit_variables

WORKER = (sys.executable, "-m", "duologue", "worker")


class WorkerProcess:
    """A worker that takes calls once it is made, or once `wait_until_ready` has returned.

    Args:
        agents: a file or a folder of definitions.
        log: a file for what it says.
        livekit: which sends it calls.
        options: further ones of the command.
    """

    def __init__(self, agents: Path, log: Path, livekit: LiveKitSettings, *options: str) -> None:
        self.log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*WORKER, str(agents), "--embedded", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **livekit_variables(livekit)},
            )

    def wait_until_ready(self) -> None:
        """Wait until LiveKit sends it calls.

        Raises:
            RuntimeError: it did not start, and what it said.
        """
        assert self._process.stdout is not None
        announced_url(self._process, self._process.stdout, self.log)

    def tell_to_end(self) -> None:
        """Send it SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(STOP_LIMIT_S)

    def kill(self) -> None:
        """Break it off, as a machine does that loses its power."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it if it still runs, and let go of it."""
        with self._process:
            self._process.kill()
