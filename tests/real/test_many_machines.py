"""Calls on many machines: two LiveKit nodes with Redis, and workers in processes of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.real.many_machines import Call, Machines, many_machines

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 20
LEAST = 7
"""So many of them each of two workers holds. It would be 10 if they came one after the other."""
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


async def test_calls_are_spread_over_nodes_and_workers(machines: Machines) -> None:
    async with AsyncExitStack() as stack:
        calls = await machines.calls(stack, CALLS)
        # A room's node is LiveKit's choice, by chance; the worker, by the load that it tells.
        assert {call.node for call in calls} == set(machines.nodes.running)
        of_workers = Counter(call.worker for call in calls)
        assert len(of_workers) == 2
        assert min(of_workers.values()) >= LEAST, of_workers
        await expect_unchanged(calls)
        await machines.end(calls)


async def test_a_node_without_a_call_may_stop(machines: Machines) -> None:
    stays, stops = machines.nodes.running
    machines.lead_to(stays)
    async with AsyncExitStack() as stack:
        calls = await machines.calls_with(stack, 3, lambda call: call.node is stays)
        await asyncio.to_thread(machines.nodes.stop, stops)
        await expect_unchanged(calls)
        await expect_unchanged(await machines.calls(stack, 4))
        await expect_unchanged(calls)


async def test_a_worker_without_a_call_may_stop(machines: Machines) -> None:
    stays, stops = machines.workers
    async with AsyncExitStack() as stack:
        calls = await machines.calls_with(stack, 3, lambda call: call.worker == stays)
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
        calls = await machines.calls(stack, 6)
        lost = [call for call in calls if call.worker == dies]
        kept = [call for call in calls if call.worker == stays]
        assert lost
        assert kept
        machines.kill_worker(dies)
        async with asyncio.timeout(KILL_LIMIT_S):
            ends = await asyncio.gather(*(call.conversation.wait_until_ended() for call in lost))
        assert {end.reason for end in ends} == {"error"}
        assert all("the agent was lost" in (end.message or "") for end in ends)
        await expect_unchanged(kept)
        later = await machines.calls(stack, 2)
        assert {call.worker for call in later} == {stays}
        await machines.until_gone(lost)
