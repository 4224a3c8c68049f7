"""What LiveKit sees of a worker that holds calls. The calls are in `tests/real`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit.protocol.agent import Job as WireJob

from duologue.agent.call.reception import Reception
from duologue.agent.limits import CallLimits
from duologue.agent.rooms.call import RoomCalls
from duologue.agent.rooms.dispatch import Job
from duologue.agent.rooms.opening import AGENT_IDENTITY, WORKER_NAME, Rooms
from duologue.agent.rooms.worker import room_worker
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.fake_livekit import FakeLiveKit, fake_livekit
from tests.agent.harness import define


@asynccontextmanager
async def working() -> AsyncIterator[FakeLiveKit]:
    """A worker with the agent `test`."""
    ready = asyncio.Event()
    reception = Reception(ScriptedSpeech(), CallLimits())
    async with fake_livekit() as livekit, Rooms(livekit.settings) as rooms:
        definitions = {"test": define()}
        async with room_worker(definitions, reception, livekit.settings, rooms, ready=ready.set):
            await asyncio.wait_for(ready.wait(), 10)
            yield livekit


async def test_it_is_known_by_the_name_under_which_rooms_ask_for_it() -> None:
    async with working() as livekit:
        assert livekit.of("register")[0].register.agent_name == WORKER_NAME


@pytest.mark.parametrize(("agent_id", "is_taken"), [("test", True), ("nobody", False)])
async def test_it_takes_calls_for_its_own_agents(agent_id: str, is_taken: bool) -> None:
    async with working() as livekit:
        await livekit.offer(WireJob(id="J", room={"name": "conv_1"}, metadata=agent_id))
        answer = (await livekit.expect("availability")).availability
        assert answer.available is is_taken
        assert answer.participant_identity == AGENT_IDENTITY


async def test_its_calls_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def hold(_self: RoomCalls, job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(job.room)

    monkeypatch.setattr(RoomCalls, "hold", hold)
    async with working() as livekit:
        await livekit.assign(WireJob(id="J", room={"name": "conv_1"}, metadata="test"))
        await livekit.expect("update_job")
        assert ended == []
    assert ended == ["conv_1"]
