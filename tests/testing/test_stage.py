from __future__ import annotations

import asyncio

import pytest

from duologue.testing.scripted_call import ClientGone, ScriptedCall
from duologue.testing.stage import Stage
from tests.testing.recorded_client import RecordedClient


async def test_a_call_ends_with_its_script() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame("hello")

    stage, client = Stage(script), RecordedClient()
    await stage.perform(client, {"agent_id": "a"}, ["convai"])
    assert (client.taken, client.close_code) == (["hello"], 1000)
    [call] = stage.calls
    assert (call.query, call.subprotocols) == ({"agent_id": "a"}, ["convai"])
    stage.raise_failure()


async def test_the_first_failure_of_any_call_is_raised() -> None:
    failures = iter([None, AssertionError("first"), AssertionError("second")])

    async def script(call: ScriptedCall) -> None:
        if (failure := next(failures)) is not None:
            raise failure

    stage = Stage(script)
    for _ in range(3):
        client = RecordedClient()
        await stage.perform(client, {}, [])
        assert client.close_code == 1000
    with pytest.raises(AssertionError, match="first"):
        stage.raise_failure()


async def test_a_client_that_hangs_up_is_no_failure_of_a_function() -> None:
    async def script(call: ScriptedCall) -> None:
        with pytest.raises(ClientGone):
            await call.receive_next()
        await call.receive_next()

    stage = Stage(script)
    await stage.perform(RecordedClient(goes=True), {}, [])
    stage.raise_failure()


async def test_a_call_that_is_cancelled_does_not_count_as_failed() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.receive_until_gone()

    stage = Stage(script)
    performing = asyncio.ensure_future(stage.perform(RecordedClient(), {}, []))
    await asyncio.sleep(0)
    performing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await performing
    stage.raise_failure()
