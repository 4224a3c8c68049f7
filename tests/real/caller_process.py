"""A Duologue client in a process of its own, for networks that the tests' process is not in.

    python -m tests.real.caller_process <the agent's URL> <the agent's id>

It holds a first conversation and hangs up, so that all is there that LiveKit keeps; then it holds
another. Lines of JSON on standard input tell it what to do (`do` is `speak`, `write`, `listen`,
`simulate` or `end`), and lines of JSON on standard output tell what comes of it. The last two tell
what is left behind: at once, and once LiveKit has let go too.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from livekit.rtc._proto.room_pb2 import SimulateScenarioKind

from duologue import Conversation, VoiceConversation
from duologue.audio import read_wav, write_wav
from duologue.audio.samples import Samples
from duologue.dialogue.values import ConnectionNotice, Disconnection, Message, Mode
from duologue.testing import MemoryMicrophone, MemorySpeaker
from tests.leaks.census import WAIT_S, Census
from tests.real.waiting import eventually

RATE_HZ: Final = 48_000
STACKS_SIGNAL: Final = signal.SIGUSR1
"""Lets it write on standard error what each of its threads is doing."""

CENSUS_S: Final = 0.5
"""How often it is counted what is left: each time costs some 15 ms of processor."""

LIVEKIT_LIMIT_S: Final = 100.0
"""LiveKit's client cannot be left while it waits for an answer to its attempt to reach its server.
After an outage of 60 s that attempt has an answer after 20 s, and another one comes then."""


def tell(what: str, **more: Any) -> None:
    """Tell whoever has started this process."""
    sys.stdout.write(json.dumps({"told": what, **more}) + "\n")
    sys.stdout.flush()


class Caller:
    """One conversation, and what it is told to do in it.

    Args:
        url: where the agent's server is.
        agent_id: whom it calls.
    """

    def __init__(self, url: str, agent_id: str) -> None:
        self._options: Any = {"origin": url, "agent_id": agent_id, "connection_type": "webrtc"}
        self._microphone = MemoryMicrophone(RATE_HZ)
        self._speaker = MemorySpeaker(RATE_HZ)
        self._listened_samples = 0

    async def converse(self, commands: AsyncIterator[dict[str, Any]]) -> None:
        """Hold a conversation until it has ended, or there are no commands any more."""
        async with Conversation.start_session(
            microphone=self._microphone,
            speaker=self._speaker,
            **self._options,
            on_connect=lambda _: tell("connected"),
            on_debug=_tell_notice,
            on_message=_tell_message,
            on_mode_change=_tell_mode,
            on_disconnect=_tell_end,
        ) as conversation:
            obeying = asyncio.create_task(self._obey(conversation, commands))
            ending = asyncio.create_task(conversation.wait_until_ended())
            over, rest = await asyncio.wait([obeying, ending], return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.wait([obeying, ending])
            for task in over:
                task.result()  # raises what a command has raised

    async def _obey(
        self, conversation: VoiceConversation, commands: AsyncIterator[dict[str, Any]]
    ) -> None:
        async for command in commands:
            match command:
                case {"do": "speak", "wav": wav}:
                    self._microphone.feed(_read(wav))
                case {"do": "write", "text": text}:
                    conversation.send_user_message(text)
                case {"do": "listen", "wav": wav}:
                    self._write_heard(wav)
                case {"do": "simulate", "scenario": scenario}:
                    await _simulate(conversation, scenario)
                case {"do": "end"}:
                    return

    def _write_heard(self, wav: str) -> None:
        """Write down what was heard since the last time."""
        heard = self._speaker.heard()
        write_wav(Path(wav), heard[self._listened_samples :], RATE_HZ)
        self._listened_samples = len(heard)
        tell("heard", wav=wav)


async def _simulate(conversation: Any, scenario: str) -> None:
    kind = SimulateScenarioKind.Value(scenario)
    await conversation._connection._room.simulate_scenario(kind)


def _read(wav: str) -> Samples:
    samples, rate_hz = read_wav(Path(wav))
    if rate_hz != RATE_HZ:
        raise ValueError(f"{wav} has {rate_hz} Hz; expected {RATE_HZ}")
    return samples


def _tell_notice(notice: object) -> None:
    if isinstance(notice, ConnectionNotice):
        tell(notice.kind)


def _tell_message(message: Message) -> None:
    tell("message", role=message.role, text=message.text)


def _tell_mode(mode: Mode) -> None:
    tell(str(mode.value))


def _tell_end(end: Disconnection) -> None:
    tell("ended", reason=end.reason, message=end.message, context=dict(end.context))


async def _commands(lines: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    while line := await lines.readline():
        yield json.loads(line)


async def _hang_up_at_once() -> AsyncIterator[dict[str, Any]]:
    yield {"do": "end"}


async def _main(url: str, agent_id: str) -> None:
    faulthandler.register(STACKS_SIGNAL)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await Caller(url, agent_id).converse(_hang_up_at_once())
    before = Census.take()
    tell("ready")
    await Caller(url, agent_id).converse(_commands(lines))
    tell("left", behind=await _left_behind(before, WAIT_S))
    tell("left", behind=await _left_behind(before, LIVEKIT_LIMIT_S))


async def _left_behind(before: Census, limit_s: float) -> dict[str, list[str]]:
    """What is still alive after a time that was not before."""
    with suppress(TimeoutError):
        await eventually(
            lambda: not _beyond(before), "the end of everything", limit_s=limit_s, poll_s=CENSUS_S
        )
    return _beyond(before)


def _beyond(before: Census) -> dict[str, list[str]]:
    beyond = Census.take().beyond(before)
    kinds = {kind: sorted(names.elements()) for kind, names in beyond.items()}
    # So Python calls LiveKit's own threads once they have called it; LiveKit keeps them for ever.
    kinds["threads"] = [name for name in kinds.get("threads", ()) if not name.startswith("Dummy-")]
    return {kind: names for kind, names in kinds.items() if names}


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
