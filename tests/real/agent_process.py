"""`duologue serve` in a process of its own, for tests of clients."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from duologue.agent.access.keys import KEYS_FILE_VARIABLE, KeyFile
from duologue.agent.parent import read_announcement
from duologue.agent.settings import (
    LIVEKIT_API_KEY,
    LIVEKIT_API_SECRET,
    LIVEKIT_URL,
    LiveKitSettings,
    ServerSettings,
)

SERVE = (sys.executable, "-m", "duologue", "serve")
START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0


@dataclass(frozen=True)
class AgentServer:
    """A server that is running.

    Attributes:
        url: where it listens, `http://…`.
        log: what it says, as it says it.
        key: with this, it gives signed URLs for private agents.
    """

    url: str
    log: Path
    key: str

    @property
    def websocket_origin(self) -> str:
        """The same place as `url`, for clients that want the scheme of a WebSocket."""
        return self.url.replace("http://", "ws://", 1)


@contextmanager
def running_agent_server(
    agents: Path,
    log: Path,
    keys: KeyFile,
    livekit: LiveKitSettings,
    *options: str,
    host: str = ServerSettings.host,
) -> Iterator[AgentServer]:
    """Run `duologue serve` with agents, and keys of its own, until the context ends.

    Raises:
        RuntimeError: it did not start, or did not end well.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*SERVE, str(agents), "--host", host, "--port", "0", "--embedded", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **livekit_variables(livekit), KEYS_FILE_VARIABLE: str(keys.path)},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            url = announced_url(process, process.stdout, log)
            yield AgentServer(url, log, keys.create("tests"))
        finally:
            exit_code = _stop(process, process.stdin)
    if exit_code != 0:
        raise RuntimeError(f"the agent's server ended with {exit_code}:\n{log.read_text()}")


def livekit_variables(livekit: LiveKitSettings) -> dict[str, str]:
    """What names a LiveKit server to a process."""
    return {
        LIVEKIT_URL: livekit.url,
        LIVEKIT_API_KEY: livekit.api_key,
        LIVEKIT_API_SECRET: livekit.api_secret,
    }


def announced_url(process: subprocess.Popen[bytes], output: IO[bytes], log: Path) -> str:
    """The URL that an embedded process tells once it is ready.

    Raises:
        RuntimeError: it ended before, or took too long.
    """
    killer = threading.Timer(START_LIMIT_S, process.kill)
    killer.start()
    try:
        for line in output:
            url = read_announcement(line.decode())
            if url is not None:
                return url
    finally:
        killer.cancel()
    raise RuntimeError(f"the agent's server did not start:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes], standard_input: IO[bytes]) -> int:
    """End a server that lives as long as its standard input."""
    standard_input.close()
    try:
        return process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
