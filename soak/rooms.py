"""A hundred conversations over WebRTC, some at once: does one of them leave anything behind?

    python -m soak rooms [--sessions 100] [--at-once 5]

The clients run in this process, the agent in one of its own, and a LiveKit server between them. In
each round so many conversations begin at once, and end in turn in every way of `ENDS`. Once nothing
of a round is going on any more, both processes are measured, and the server is asked for its rooms.
Printed: what each process uses after every round. Exits with 1 if anything is left of a round, or
has grown from a rest after the warm-up to another one at the end.

A room that the server ends under its participants is none of the ways: of such a room LiveKit's
library keeps each published track for ever, with a thread
(https://github.com/livekit/rust-sdks/issues/1443). And it keeps some memory of every room that was
joined, which is allowed for.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from livekit import api

from duologue import Conversation, Mode, VoiceConversation
from duologue.agent.rooms.livekit_server import running_livekit_server
from duologue.agent.settings import LiveKitSettings
from soak.agent import AgentProcess, agent_process
from soak.figures import HEADER, Figures, growth
from soak.native_objects import native_objects
from soak.people import CYCLE, CyclingMicrophone, ForgetfulSpeaker

WARM_UP_SESSIONS: Final = 20
"""Until then allocators fill, and LiveKit's library begins the threads that it keeps."""

REST_S: Final = 12.0
"""The runtime of LiveKit's library begins threads for what would block, and ends each that has had
nothing to do for 10 s."""

SESSION_LIMIT_S: Final = 30.0
SETTLING_LIMIT_S: Final = 20.0
"""How long what ends may take: a room waits 10 s for a user of whom its agent has seen nothing."""

QUIET_S: Final = 1.0
"""So long nothing may be left before it is believed: a token that nobody waits for any more opens
its room late."""

KEPT_MB: Final = 0.6
"""Of every room that was joined, in the clients' process. It is LiveKit's library: a program that
only joins a room, publishes a track, hears another one and leaves grows by 0.5 MB each time, with
livekit 1.1.21 and 1.2.1 alike; objects of Python do not grow in number, and the allocator has
nothing to give back."""

POLL_S: Final = 0.1
WORKERS: Final = 4
"""Threads of the event loop's own, all begun before anything is measured."""


@dataclass(frozen=True)
class Place:
    """Where conversations are held."""

    origin: str
    livekit: LiveKitSettings
    server: api.LiveKitAPI


def start(place: Place, number: int) -> Any:
    """The start of a conversation by voice."""
    return Conversation.start_session(
        agent_id="agent",
        origin=place.origin,
        connection_type="webrtc",
        microphone=CyclingMicrophone(np.roll(CYCLE, -number * 1000)),
        speaker=ForgetfulSpeaker(),
    )


async def user_leaves(place: Place, number: int) -> None:
    """The greeting is heard, and the user ends the session."""
    async with start(place, number) as conversation:
        await heard(conversation)


async def user_writes(place: Place, number: int) -> None:
    """A conversation in writing, ended by the user after the answer."""
    async with Conversation.start_session(
        agent_id="agent", origin=place.origin, connection_type="webrtc", text_only=True
    ) as conversation:
        conversation.send_user_message("Hello?")
        await until(lambda: len(conversation.transcript) > 1)


async def start_is_cancelled(place: Place, number: int) -> None:
    """The user thinks better of it, before there is a token: with one, a room waits 5 minutes."""
    starting = asyncio.ensure_future(start(place, number))
    await asyncio.sleep(0)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await (await starting).end_session()


ENDS: Final[tuple[Callable[[Place, int], Awaitable[None]], ...]] = (
    user_leaves,
    user_writes,
    start_is_cancelled,
)

JOINING: Final = (user_leaves, user_writes)
"""Those in which a room is joined."""


@dataclass
class Course:
    """What was measured.

    Attributes:
        clients: the process of the clients, at each rest.
        agent: the process of the agent, at each rest.
        left: what of a round has not gone, in sentences.
        sessions: how many were held between the first rest and the last.
    """

    clients: list[Figures] = field(default_factory=list)
    agent: list[Figures] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    sessions: int = 0

    def failures(self) -> list[str]:
        """What was left, or has grown, in sentences."""
        return self.left + [
            f"{name}: {sentence}"
            for name, figures, kept_mb in (
                ("clients", self.clients, KEPT_MB * self.sessions * len(JOINING) / len(ENDS)),
                ("agent", self.agent, 0.0),
            )
            for sentence in growth(figures, conversations=0, known_mb=kept_mb)
        ]


class Trial:
    """Holds the conversations, and counts what they leave.

    Args:
        agent: its process.
        place: where it is called.
    """

    def __init__(self, agent: AgentProcess, place: Place) -> None:
        self._agent = agent
        self._place = place
        self._began_s = time.monotonic()
        self._ends = itertools.cycle(ENDS)
        self.course = Course()

    async def hold(self, sessions: int, at_once: int) -> None:
        """Hold so many conversations, and measure after each round and at the two rests."""
        print(f"sessions {HEADER}   rooms, native objects")
        await self._rounds(range(WARM_UP_SESSIONS), at_once)
        await self._rest(WARM_UP_SESSIONS)
        await self._rounds(range(WARM_UP_SESSIONS, sessions), at_once)
        await self._rest(sessions)
        self.course.sessions = sessions - WARM_UP_SESSIONS

    async def _rounds(self, sessions: range, at_once: int) -> None:
        for done in sessions[::at_once]:
            numbers = range(done, min(done + at_once, sessions.stop))
            async with asyncio.TaskGroup() as group:
                for number, end in zip(numbers, self._ends, strict=False):
                    group.create_task(_within_limit(end.__name__, number, end(self._place, number)))
            await self._settle()
            await self._measure(numbers.stop)

    async def _rest(self, sessions: int) -> None:
        await asyncio.sleep(REST_S)
        clients, agent = await self._measure(sessions)
        self.course.clients.append(clients)
        self.course.agent.append(agent)

    async def _settle(self) -> None:
        """Wait until nothing is left, or for as long as that may take."""
        give_up_at_s = time.monotonic() + SETTLING_LIMIT_S
        quiet_since_s = None
        while (now_s := time.monotonic()) < give_up_at_s:
            if any((await self._left()).values()):
                quiet_since_s = None
            elif quiet_since_s is None:
                quiet_since_s = now_s
            elif now_s - quiet_since_s >= QUIET_S:
                return
            await asyncio.sleep(POLL_S)

    async def _left(self) -> dict[str, int]:
        """What is there that belongs to a conversation, by its name."""
        rooms = (await self._place.server.room.list_rooms(api.ListRoomsRequest())).rooms
        return {
            "rooms on the server": len(rooms),
            "native objects of the clients": native_objects(),
            "native objects of the agent": self._agent.native_objects(),
        }

    async def _measure(self, sessions: int) -> tuple[Figures, Figures]:
        """What the clients use now, and the agent; both are printed, too."""
        left = await self._left()
        at_s = time.monotonic() - self._began_s
        clients = Figures.of(os.getpid(), at_s, len(asyncio.all_tasks()))
        agent = Figures.of(self._agent.pid, at_s, self._agent.tasks())
        for name, figures in (("clients", clients), ("agent", agent)):
            print(f"{sessions:8} {figures}   {name}; {list(left.values())}", flush=True)
        self.course.left += [f"after {sessions}: {n} {what}" for what, n in left.items() if n]
        return clients, agent


async def heard(conversation: VoiceConversation) -> None:
    """Wait until the agent is heard."""
    await until(lambda: conversation.mode is Mode.SPEAKING and conversation.output_level > 0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; its limit is that of the whole session."""
    while not condition():
        await asyncio.sleep(0.02)


async def _begin_workers() -> None:
    """Let the event loop begin the threads in which it looks up names."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WORKERS))
    barrier = threading.Barrier(WORKERS)
    await asyncio.gather(*(asyncio.to_thread(barrier.wait) for _ in range(WORKERS)))


async def _within_limit(name: str, number: int, awaitable: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(SESSION_LIMIT_S):
            await awaitable
    except TimeoutError as error:
        raise TimeoutError(f"session {number}, in which {name}, did not end by itself") from error


async def soak(sessions: int, at_once: int) -> Course:
    """Hold the conversations; return what was measured."""
    await _begin_workers()
    with running_livekit_server(print) as livekit, agent_process(livekit) as agent:
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as server:
            trial = Trial(agent, Place(agent.url, livekit, server))
            await trial.hold(sessions, at_once)
    return trial.course


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return the exit code."""
    options = _options(arguments)
    logging.getLogger("livekit").addHandler(logging.NullHandler())  # it tells of deleted rooms
    began_s = time.monotonic()
    course = asyncio.run(soak(options.sessions, options.at_once))
    print(f"\n{options.sessions} conversations in {time.monotonic() - began_s:.0f} s")
    failures = course.failures()
    print("\n".join(failures) or "nothing is left, nothing has grown")
    return 1 if failures else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="soak rooms", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=5)
    options = parser.parse_args(arguments)
    if options.sessions <= WARM_UP_SESSIONS:
        parser.error(f"--sessions: more than the {WARM_UP_SESSIONS} that warm up")
    return options


if __name__ == "__main__":
    sys.exit(main())
