"""A process that only holds calls over WebRTC: its start, and its end in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping

from uvicorn.loops.auto import auto_loop_factory

from duologue.agent.call.reception import Reception
from duologue.agent.definition import AgentDefinition
from duologue.agent.limits import HANG_UP_LIMIT_S, CallLimits
from duologue.agent.rooms.dispatch import Worker
from duologue.agent.rooms.opening import Rooms
from duologue.agent.rooms.worker import room_worker
from duologue.agent.settings import MOST_CALLS, LiveKitSettings
from duologue.agent.speech.lifetime import started
from duologue.agent.speech.stack import SpeechStack


class Interruptions:
    """How often a process was told to end: first in order, then at once."""

    def __init__(self) -> None:
        self._first = asyncio.Event()
        self._second = asyncio.Event()

    def interrupt(self) -> None:
        """Tell it once more."""
        (self._second if self._first.is_set() else self._first).set()

    async def first(self) -> None:
        """Wait until it was told to end."""
        await self._first.wait()

    async def second(self) -> None:
        """Wait until it was told again."""
        await self._second.wait()


def run_worker(
    definitions: Mapping[str, AgentDefinition],
    speech: SpeechStack,
    livekit: LiveKitSettings,
    *,
    most_calls: int = MOST_CALLS,
    drain_s: float = 0.0,
    ready: Callable[[], object],
) -> None:
    """Hold the calls that LiveKit sends until interrupted (Ctrl-C or SIGTERM).

    Blocks the main thread. Interrupted, it takes no more calls, lets those that go on end by
    themselves for `drain_s`, and ends the rest. A second interruption ends them at once.

    Args:
        definitions: the agents by their ids.
        speech: the models; started and closed here.
        livekit: the LiveKit server; while it cannot be reached, it is tried again.
        most_calls: how many calls are as much as this process can do.
        drain_s: how long calls may go on after the first interruption.
        ready: called once LiveKit sends calls.

    Raises:
        ModelError: the models could not be loaded.
    """

    async def work() -> None:
        interruptions = Interruptions()
        _interrupt_on_signals(interruptions.interrupt)
        await hold_calls(
            definitions,
            speech,
            livekit,
            interruptions,
            most_calls=most_calls,
            drain_s=drain_s,
            ready=ready,
        )

    # The loop that a server has, too.
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(work())


async def hold_calls(
    definitions: Mapping[str, AgentDefinition],
    speech: SpeechStack,
    livekit: LiveKitSettings,
    interruptions: Interruptions,
    *,
    most_calls: int = MOST_CALLS,
    drain_s: float = 0.0,
    ready: Callable[[], object],
) -> None:
    """The same in a running loop, until interrupted otherwise; see `run_worker`."""
    reception = Reception(speech, CallLimits())
    async with (
        started(speech),
        Rooms(livekit) as rooms,
        room_worker(
            definitions, reception, livekit, rooms, most_calls=most_calls, ready=ready
        ) as worker,
    ):
        await interruptions.first()
        await _drain(worker, drain_s, interruptions)
        await reception.hang_up(HANG_UP_LIMIT_S)


async def _drain(worker: Worker, limit_s: float, interruptions: Interruptions) -> None:
    draining = asyncio.create_task(worker.drain())
    hurry = asyncio.create_task(interruptions.second())
    try:
        await asyncio.wait((draining, hurry), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        draining.cancel()
        hurry.cancel()


def _interrupt_on_signals(interrupt: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, interrupt)
        except NotImplementedError:  # the loop of Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
