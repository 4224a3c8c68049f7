"""Examples in processes of their own, run as a user runs them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

LIMIT_S = 60.0
"""How long an example may take to say what is waited for, or to end."""

_OURS = ("APP_TOKEN", "DUOLOGUE_API_KEY", "DUOLOGUE_ORIGIN", "ELEVENLABS_API_KEY")


class RunningExample:
    """An example that runs. `output` has what it has said, errors included, until now."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.output = ""

    async def says(self, text: str) -> str:
        """Wait for a line with this text, and return the line.

        Raises:
            AssertionError: the example ended without it; shows what it has said.
            TimeoutError: it was not said in time.
        """
        async with asyncio.timeout(LIMIT_S):
            while line := await self._read_line():
                if text in line:
                    return line
        raise AssertionError(f"it never said {text!r}:\n{self.output}")

    async def type(self, text: str) -> None:
        """Type something; more may follow."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        await self._process.stdin.drain()

    def end_input(self) -> None:
        """Let the standard input end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def ends(self) -> int:
        """Wait until it has ended, and return its exit code.

        Raises:
            TimeoutError: it did not end in time.
        """
        async with asyncio.timeout(LIMIT_S):
            while await self._read_line():
                pass
            return await self._process.wait()

    async def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        self.output += line
        return line


@asynccontextmanager
async def running(example: str, *arguments: str, **variables: str) -> AsyncIterator[RunningExample]:
    """Run an example with these arguments, and these variables in its environment.

    Its warnings are errors. It is killed if it still runs at the end.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-W", "error", str(EXAMPLES / example), *arguments),
        env=environment | variables,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running_example = RunningExample(process)
    try:
        yield running_example
    finally:
        if process.returncode is None:
            process.kill()
        await running_example.ends()


async def output_of(example: str, *arguments: str, typed: str = "", **variables: str) -> str:
    """What an example says from beginning to end.

    Raises:
        AssertionError: it failed, or showed a traceback.
    """
    async with running(example, *arguments, **variables) as process:
        await process.type(typed)
        process.end_input()
        assert await process.ends() == 0, process.output
        assert "Traceback" not in process.output, process.output
        return process.output
