"""Holding the agent back while the user is busy."""

import asyncio
import time

from duologue.agent.call.floor import Floor


async def test_a_free_floor_is_not_waited_for() -> None:
    floor = Floor(2.0, lambda: 100.0)
    async with asyncio.timeout(0.1):
        await floor.wait_free()


def test_each_sign_of_activity_holds_the_floor_anew() -> None:
    now_s = 100.0
    floor = Floor(2.0, lambda: now_s)
    floor.hold()
    assert floor.free_at_s == 102.0
    now_s = 101.0
    floor.hold()
    assert floor.free_at_s == 103.0


async def test_activity_meanwhile_makes_the_wait_longer() -> None:
    floor = Floor(0.05, time.monotonic)
    floor.hold()
    began_s = time.monotonic()
    asyncio.get_running_loop().call_later(0.03, floor.hold)
    await floor.wait_free()
    assert time.monotonic() - began_s >= 0.075
