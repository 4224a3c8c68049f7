"""Calls on many machines: two LiveKit nodes with Redis, and workers in processes of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import numpy as np
import pytest
import pytest_asyncio

from tests.real.livekit_nodes import LiveKitNode
from tests.real.many_machines import Call, Machines, many_machines
from tests.real.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("many machines")]

CALLS = 20
SPOKEN = 2
"""Of them. All would be more than two cores can do, the callers included."""
LOUD = 500
"""Of 32,768: above the noise of a codec, below any voice."""
LEAST = 4
"""So many of them each of two workers holds. It would be 10 if they came one after the other; they
come at once, before either worker has told its load, and LiveKit draws. Fewer than this would be
drawn in 1 of 400 runs, if no load were ever told."""
END_LIMIT_S = 10.0
"""A little more than a server gives its calls, and a user to leave."""
KILL_LIMIT_S = 40.0
"""LiveKit waits 15 s for an agent whose connection is silent, and 5 s more for it to come back."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def all_machines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machines]:
    async with many_machines(tmp_path_factory.mktemp("machines")) as machines:
        yield machines


@pytest_asyncio.fixture(loop_scope="module")
async def machines(all_machines: Machines) -> Machines:
    """Two nodes and two workers, whatever another test has stopped."""
    await all_machines.complete()
    return all_machines


async def expect_unchanged(calls: list[Call]) -> None:
    """Every call is answered by its own worker, and was told nothing of its connection."""
    assert await asyncio.gather(*(call.ask() for call in calls)) == [call.worker for call in calls]
    assert [call.notices for call in calls] == [[]] * len(calls)


def of_node(calls: list[Call], node: LiveKitNode) -> list[Call]:
    return [call for call in calls if call.node is node]


def of_worker(calls: list[Call], worker: str) -> list[Call]:
    return [call for call in calls if call.worker == worker]


def is_heard(call: Call) -> bool:
    """Whether the agent's voice has come out of the caller's speaker."""
    return bool(np.abs(call.speaker.heard().astype(np.int32)).max(initial=0) > LOUD)


async def test_calls_are_spread_over_nodes_and_workers(machines: Machines) -> None:
    async with AsyncExitStack() as stack:
        spoken = await machines.calls(stack, SPOKEN, spoken=True)
        calls = [*spoken, *await machines.calls(stack, CALLS - SPOKEN)]
        # A room's node is LiveKit's choice, by chance; the worker, by the load that it tells.
        assert {call.node for call in calls} == set(machines.nodes.running)
        of_workers = Counter(call.worker for call in calls)
        assert len(of_workers) == 2
        assert min(of_workers.values()) >= LEAST, of_workers
        await expect_unchanged(calls)
        for call in spoken:
            await eventually(partial(is_heard, call), f"the agent's voice in {call.node.id}")
        await machines.end(calls)


async def test_a_node_without_a_call_may_stop(machines: Machines) -> None:
    stays, stops = machines.nodes.running
    machines.lead_to(stays)
    async with AsyncExitStack() as stack:
        begun = await machines.calls_until(stack, lambda calls: bool(of_node(calls, stays)))
        calls = of_node(begun, stays)
        await machines.end(of_node(begun, stops))
        await asyncio.to_thread(machines.nodes.stop, stops)
        await expect_unchanged(calls)
        await expect_unchanged(await machines.calls(stack, 4))
        await expect_unchanged(calls)


async def test_a_worker_without_a_call_may_stop(machines: Machines) -> None:
    stays, stops = machines.workers
    async with AsyncExitStack() as stack:
        begun = await machines.calls_until(stack, lambda calls: bool(of_worker(calls, stays)))
        calls = of_worker(begun, stays)
        ending = (call.conversation.end_session() for call in of_worker(begun, stops))
        await asyncio.gather(*ending)
        assert await machines.end_worker(stops) == 0
        await expect_unchanged(calls)
        later = await machines.calls(stack, 4)
        assert {call.worker for call in later} == {stays}
        await expect_unchanged([*calls, *later])


async def test_a_worker_that_is_killed_ends_its_own_calls_with_an_error(
    machines: Machines,
) -> None:
    stays, dies = machines.workers
    async with AsyncExitStack() as stack:
        calls = await machines.calls_until(
            stack, lambda calls: bool(of_worker(calls, dies) and of_worker(calls, stays))
        )
        lost, kept = of_worker(calls, dies), of_worker(calls, stays)
        machines.kill_worker(dies)
        async with asyncio.timeout(KILL_LIMIT_S):
            ends = await asyncio.gather(*(call.conversation.wait_until_ended() for call in lost))
        assert {end.reason for end in ends} == {"error"}
        assert all("the agent was lost" in (end.message or "") for end in ends)
        await expect_unchanged(kept)
        later = await machines.calls(stack, 2)
        assert {call.worker for call in later} == {stays}
        await machines.until_gone(lost)


async def test_a_worker_that_is_told_to_end_ends_its_own_calls_in_order(
    machines: Machines,
) -> None:
    _, ends = machines.workers
    async with AsyncExitStack() as stack:
        calls = await machines.calls_until(stack, lambda calls: bool(of_worker(calls, ends)))
        ended = of_worker(calls, ends)
        async with asyncio.timeout(END_LIMIT_S):
            assert await machines.end_worker(ends) == 0
            told = await asyncio.gather(*(call.conversation.wait_until_ended() for call in ended))
        assert {end.reason for end in told} == {"agent"}
        await machines.until_gone(ended)
        await expect_unchanged([call for call in calls if call not in ended])
