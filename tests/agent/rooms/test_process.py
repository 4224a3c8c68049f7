"""The start and the end of a worker's process. Its calls are in `tests/real`."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from livekit.protocol.agent import Job as WireJob
from livekit.protocol.agent import WorkerStatus

from duologue.agent.rooms import call as room
from duologue.agent.rooms.dispatch import Job
from duologue.agent.rooms.process import Interruptions, hold_calls
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.fake_livekit import FakeLiveKit, fake_livekit
from tests.agent.harness import define, until

WORK = """
import sys
from duologue.agent.settings import LiveKitSettings
from duologue.agent.rooms.process import run_worker
from duologue.testing.scripted_speech import ScriptedSpeech

livekit = LiveKitSettings(*sys.argv[1:])
run_worker({}, ScriptedSpeech(), livekit, ready=lambda: print("ready", flush=True))
"""


@dataclass
class Held:
    """The calls of a worker, which end when they are told to, or cancelled."""

    end: asyncio.Event = field(default_factory=asyncio.Event)
    outcomes: list[str] = field(default_factory=list)

    async def hold(self, _job: Job) -> None:
        try:
            await self.end.wait()
            self.outcomes.append("ended")
        except asyncio.CancelledError:
            self.outcomes.append("cancelled")
            raise


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held()
    monkeypatch.setattr(room.RoomCalls, "hold", lambda _self, job: held.hold(job))
    return held


@asynccontextmanager
async def in_a_call(
    interruptions: Interruptions, *, drain_s: float
) -> AsyncIterator[tuple[asyncio.Task[None], FakeLiveKit]]:
    """A worker that holds one call."""
    async with fake_livekit() as livekit:
        ready = asyncio.Event()
        working = asyncio.create_task(
            hold_calls(
                {"test": define()},
                ScriptedSpeech(),
                livekit.settings,
                interruptions,
                drain_s=drain_s,
                ready=ready.set,
            )
        )
        await asyncio.wait_for(ready.wait(), 10)
        await livekit.assign(WireJob(id="J", room={"name": "conv_1"}, metadata="test"))
        await livekit.expect("update_job")
        try:
            yield working, livekit
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def test_interrupted_it_ends_its_calls_and_itself(held: Held) -> None:
    interruptions = Interruptions()
    async with in_a_call(interruptions, drain_s=0) as (working, _):
        interruptions.interrupt()
        await asyncio.wait_for(working, 10)
    assert held.outcomes == ["cancelled"]


async def test_with_time_for_it_calls_end_by_themselves(held: Held) -> None:
    interruptions = Interruptions()
    async with in_a_call(interruptions, drain_s=60) as (working, livekit):
        interruptions.interrupt()
        await until(lambda: is_full(livekit))
        assert not working.done()
        held.end.set()
        await asyncio.wait_for(working, 10)
    assert held.outcomes == ["ended"]


async def test_a_second_interruption_ends_them_at_once(held: Held) -> None:
    interruptions = Interruptions()
    async with in_a_call(interruptions, drain_s=60) as (working, livekit):
        interruptions.interrupt()
        await until(lambda: is_full(livekit))
        interruptions.interrupt()
        await asyncio.wait_for(working, 10)
    assert held.outcomes == ["cancelled"]


async def test_the_time_for_calls_to_end_is_limited(held: Held) -> None:
    interruptions = Interruptions()
    async with in_a_call(interruptions, drain_s=0.1) as (working, _):
        interruptions.interrupt()
        await asyncio.wait_for(working, 10)
    assert held.outcomes == ["cancelled"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_process_ends_well_by_either_signal(number: signal.Signals) -> None:
    async with fake_livekit() as livekit:
        settings = livekit.settings
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORK, settings.url, settings.api_key, settings.api_secret),
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            assert await process.wait() == 0


def is_full(livekit: FakeLiveKit) -> bool:
    """Whether the worker has said that it takes no more."""
    latest = livekit.of("update_worker")[-1].update_worker
    return latest.status == WorkerStatus.WS_FULL
