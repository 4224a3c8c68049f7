"""The agent in LiveKit rooms that all clients are measured against, in a process of its own.

It brings its LiveKit server along. On its standard input it takes `report FROM UNTIL`, as
`benchmarks.client_cost.server` does; sound in rooms has no messages whose lateness could be told.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from contextlib import suppress
from typing import Final

from benchmarks.client_cost.load import RATE_HZ, speech
from duologue.agent.rooms.livekit_server import running_livekit_server
from duologue.protocol.client_messages import ConversationInitiation
from duologue.protocol.server_events import AudioEvent
from duologue.testing import ScriptedAgent, ScriptedCall
from duologue.testing.scripted_call import DEFAULT_METADATA

PIECE_MS: Final = 200
START_LIMIT_S: Final = 60.0
NOTHING_SEEN: Final = {
    "chunks": 0,
    "late_p50_ms": math.nan,
    "late_p99_ms": math.nan,
    "open": 0,
    "own_late_p99_ms": math.nan,
}


async def talk(call: ScriptedCall) -> None:
    """Speak all the time, until the client has gone."""
    await call.receive(ConversationInitiation, within=START_LIMIT_S)
    await call.send(DEFAULT_METADATA)
    speaking = asyncio.create_task(speak(call))
    try:
        await call.receive_until_gone()
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking


async def speak(call: ScriptedCall) -> None:
    """Say the same second again and again; LiveKit's library takes it at the pace of speech."""
    sound, size = speech(1.0), RATE_HZ * PIECE_MS // 1000
    while True:
        for start in range(0, len(sound), size):
            await call.send(AudioEvent(audio=sound[start : start + size].tobytes(), event_id=1))


async def serve() -> None:
    """Print the port, and serve until standard input ends."""
    with running_livekit_server(lambda text: print(text, file=sys.stderr)) as livekit:
        async with ScriptedAgent(talk, livekit=livekit) as agent:
            print(agent.origin.rpartition(":")[2], flush=True)
            commands = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
            )
            while await commands.readline():
                print(json.dumps(NOTHING_SEEN), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
