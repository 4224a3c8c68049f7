"""What a test tells a client that runs in another network, and what it hears from it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from duologue.audio import read_wav, write_wav
from duologue.audio.samples import Samples
from tests.real.bad_network import Namespace
from tests.real.caller_process import RATE_HZ, STACKS_SIGNAL
from tests.real.waiting import eventually

STOP_LIMIT_S: Final = 130.0
STACKS_S: Final = 0.5
"""So long it takes until a client has written down where its threads are."""


@dataclass(frozen=True)
class Told:
    """Something that the client has told.

    Attributes:
        what: its kind, such as `message` or `reconnecting`.
        more: what belongs to it.
        at_s: when, on the monotonic clock.
    """

    what: str
    more: dict[str, Any]
    at_s: float


class RemoteCaller:
    """The client of `tests.real.caller_process`, seen from here.

    Attributes:
        told: all that it has told of its conversation, in order; of the one before it, nothing.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.told: list[Told] = []
        self._is_ready = False
        self._process = process
        self._folder = folder
        self._wavs = 0

    async def listen(self) -> None:
        """Take in what it tells, until it has ended."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            more = json.loads(line)
            self.told.append(Told(more.pop("told"), more, time.monotonic()))
            if self.told[-1].what == "ready":
                self.told.clear()
                self._is_ready = True

    async def expect_conversation(self) -> None:
        """Wait until the conversation before it is over, and the one that counts has begun."""
        await eventually(
            lambda: self._is_ready or self._process.returncode is not None, "a first conversation"
        )
        await self.expect("connected")

    def of(self, what: str) -> list[Told]:
        """All that it has told of one kind."""
        return [told for told in self.told if told.what == what]

    def messages(self, role: str) -> list[str]:
        """What one side has said so far."""
        return [told.more["text"] for told in self.of("message") if told.more["role"] == role]

    async def expect(self, what: str, *, count: int = 1, limit_s: float = 30.0) -> Told:
        """Wait until it has told of a kind so often; returns that one."""
        await eventually(
            lambda: len(self.of(what)) >= count or self._process.returncode is not None,
            f"{what}, time {count}",
            limit_s=limit_s,
        )
        return self.of(what)[count - 1]

    async def expect_message(self, role: str, *, count: int, limit_s: float = 30.0) -> str:
        """Wait until one side has said so many things; returns the last of them."""
        await eventually(
            lambda: len(self.messages(role)) >= count,
            f"message {count} of the {role}",
            limit_s=limit_s,
        )
        return self.messages(role)[count - 1]

    def speak(self, samples: Samples) -> None:
        """Let it say samples at 48 kHz."""
        wav = self._new_wav()
        write_wav(wav, samples, RATE_HZ)
        self._tell(do="speak", wav=str(wav))

    def write(self, text: str) -> None:
        """Let it send a message in writing."""
        self._tell(do="write", text=text)

    async def heard(self) -> Samples:
        """What it has heard since the last time, at 48 kHz."""
        wav = self._new_wav()
        self._tell(do="listen", wav=str(wav))
        await eventually(lambda: any(t.more["wav"] == str(wav) for t in self.of("heard")), "sound")
        return read_wav(wav)[0]

    def simulate(self, scenario: str) -> None:
        """Let LiveKit's server do something to its connection: a name of `SimulateScenarioKind`."""
        self._tell(do="simulate", scenario=scenario)

    def end(self) -> None:
        """Let it hang up."""
        self._tell(do="end")

    def _new_wav(self) -> Path:
        self._wavs += 1
        return self._folder / f"{self._wavs}.wav"

    def _tell(self, **command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")


async def _testimony(process: asyncio.subprocess.Process, caller: RemoteCaller, log: Path) -> str:
    """What a client that has not done its part has told, and where its threads are now."""
    if process.returncode is None:
        process.send_signal(STACKS_SIGNAL)
        await asyncio.sleep(STACKS_S)
    told = "\n".join(f"{one.at_s:.1f} {one.what} {one.more}" for one in caller.told)
    said = await asyncio.to_thread(log.read_text, errors="replace")
    return f"the client has told:\n{told}\nand its log says:\n{said}"


@asynccontextmanager
async def calling_from(
    namespace: Namespace, folder: Path, url: str, agent_id: str
) -> AsyncIterator[RemoteCaller]:
    """A client in a network that calls an agent; the conversation has begun.

    When the context ends, the client hangs up, if it has not. What it has left behind is told then.

    Args:
        namespace: where it is.
        folder: for what it hears and says, and its log.
        url: where the agent's server is.
        agent_id: whom it calls.
    """
    with (folder / "caller.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(*namespace.enter, sys.executable, "-m", "tests.real.caller_process", url, agent_id),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    caller = RemoteCaller(process, folder)
    listening = asyncio.create_task(caller.listen())
    try:
        await caller.expect_conversation()
        yield caller
        caller.end()
        await asyncio.wait_for(listening, STOP_LIMIT_S)
    except BaseException as error:
        error.add_note(await _testimony(process, caller, folder / "caller.log"))
        raise
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening
