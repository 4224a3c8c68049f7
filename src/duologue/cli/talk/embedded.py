"""The embedded agent: a server on this machine, in a process of its own, for one `talk`.

It never shares an interpreter with live sound: the agent's models would make the speaker stutter.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from duologue.agent.parent import read_announcement
from duologue.errors import ServerError

START_LIMIT_S: Final = 120.0
"""How long the agent may take to load its models; a few seconds are usual."""

STOP_LIMIT_S: Final = 10.0
"""How long it may take to end before it is killed."""

_SHOWN_LINES: Final = 15


@asynccontextmanager
async def embedded_agent(
    *,
    definition: Path | None,
    log_path: Path | None,
    log_level: str = "info",
    environment: Mapping[str, str] | None = None,
    with_livekit: bool = False,
) -> AsyncIterator[str]:
    """Run an agent while the block runs; gives the origin at which it listens.

    Args:
        definition: the agent's file; None takes the one that is built in.
        log_path: a file for its log.
        log_level: the least important messages to log.
        environment: the variables that it gets; None takes those of this process.
        with_livekit: whether it runs a LiveKit server of its own, for calls over WebRTC. Without
            the program it builds it first, for which there is no time here: build it before.

    Without `log_path` its log is kept only as long as it runs. Cancelling ends the process, too.
    If this process dies, the agent notices that its standard input has closed, and ends by itself.

    Raises:
        ServerError: the agent could not start; the message ends with its last words.
    """
    with ExitStack() as kept:
        if log_path is None:
            log_path = Path(kept.enter_context(TemporaryDirectory())) / "agent.log"
        log = kept.enter_context(_open_log(log_path))
        process = await asyncio.create_subprocess_exec(
            *_command(definition, log_level, with_livekit=with_livekit),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C is for this process; it ends the agent in its turn
        )
        try:
            origin = await _announced(process, log_path)
        except BaseException:
            process.kill()  # it is loading models, and could not be asked to stop
            await process.wait()
            raise
        try:
            yield origin
        finally:
            await _stop(process)


def _command(definition: Path | None, log_level: str, *, with_livekit: bool) -> list[str]:
    command = [sys.executable, "-m", "duologue", "serve", "--port", "0", "--embedded"]
    command += ["--log-level", log_level]
    if with_livekit:
        command.append("--livekit-dev")
    return [*command, str(definition)] if definition else command


def _open_log(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise ServerError(
            f"the agent's log {path} cannot be written: {error.strerror}; "
            "choose another place with --agent-log"
        ) from error


async def _announced(process: asyncio.subprocess.Process, log_path: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while line := await process.stdout.readline():
                origin = read_announcement(line.decode(errors="replace"))
                if origin is not None:
                    return origin
    except TimeoutError:
        raise ServerError(
            f"the embedded agent did not start within {START_LIMIT_S:g} s:\n{_last_words(log_path)}"
        ) from None
    raise ServerError(f"the embedded agent did not start:\n{_last_words(log_path)}")


def _last_words(log_path: Path) -> str:
    lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_SHOWN_LINES:]) or "(it said nothing)"


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
