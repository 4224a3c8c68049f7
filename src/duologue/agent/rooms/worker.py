"""A worker that holds the calls over WebRTC, in a server's process or in one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from duologue.agent.call.reception import Reception
from duologue.agent.definition import AgentDefinition
from duologue.agent.rooms.call import RoomCalls
from duologue.agent.rooms.dispatch import Worker
from duologue.agent.rooms.opening import AGENT_IDENTITY, WORKER_NAME, Rooms
from duologue.agent.settings import MOST_CALLS, LiveKitSettings


@asynccontextmanager
async def room_worker(
    definitions: Mapping[str, AgentDefinition],
    reception: Reception,
    livekit: LiveKitSettings,
    rooms: Rooms,
    *,
    most_calls: int = MOST_CALLS,
    ready: Callable[[], object] = lambda: None,
) -> AsyncIterator[Worker]:
    """Take calls from LiveKit until the block ends; those that still go on are cancelled then.

    Args:
        definitions: the agents, by their ids.
        reception: holds each call.
        livekit: the LiveKit server.
        rooms: deletes the room of each call; it is entered and left by its owner.
        most_calls: how many calls are as much as this process can do.
        ready: called once LiveKit sends calls.
    """
    calls = RoomCalls(definitions, reception, rooms, most_calls=most_calls)
    worker = Worker(
        livekit,
        name=WORKER_NAME,
        identity=AGENT_IDENTITY,
        takes=calls.takes,
        hold=calls.hold,
        load=calls.load,
        ready=ready,
    )
    working = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
