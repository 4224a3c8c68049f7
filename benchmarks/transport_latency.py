"""How much of a turn is the transport's: turns over either, with models that answer at once.

    python -m benchmarks.transport_latency

is `benchmarks.turn_latency` without language model, recogniser and voice, whose times scatter more
than the transports differ. What is left are the network and its buffers, the detection of the end
of speech, which is real, and play-out.

How chunks and packets fall against each other stays the same for the whole of a call, so few turns
are taken of each.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import numpy as np

from benchmarks.turn_latency import TRANSPORTS, WIRE_RATE_HZ, in_turn, interview, paired_ms, shown
from duologue.agent.rooms.livekit_server import running_livekit_server
from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples
from duologue.conversation.options.transport import ConnectionType
from duologue.dialogue.turns import TurnMetrics
from soak.agent import agent_process
from tests.agent.vowels import RATE_HZ, vowels

CALLS: Final = 10
TURNS: Final = 2
"""In each call: one in which either transport is the first."""
QUESTION_S: Final = 1.5


async def measure(
    calls: int = CALLS, turns: int = TURNS
) -> dict[ConnectionType, list[TurnMetrics]]:
    """Hold so many calls over both transports, of so many turns; what they told, in order."""
    # Made before: a loop that is busy would hold up the microphones.
    question = {transport: _question(WIRE_RATE_HZ[transport]) for transport in TRANSPORTS}
    told: dict[ConnectionType, list[TurnMetrics]] = {transport: [] for transport in TRANSPORTS}
    with running_livekit_server(print) as livekit, agent_process(livekit) as agent:
        for _ in range(calls):
            async with AsyncExitStack() as held:
                interviews = {
                    transport: await held.enter_async_context(
                        interview(agent.url, transport, agent_id="agent")
                    )
                    for transport in TRANSPORTS
                }
                for number in range(turns):
                    for transport in in_turn(number):
                        await interviews[transport].ask(question[transport])
            for transport in TRANSPORTS:
                told[transport] += [metrics for metrics, _ in interviews[transport].told.turns]
    return told


def _question(rate_hz: int) -> Samples:
    resampler = Resampler(RATE_HZ, rate_hz)
    return np.concatenate((resampler.push(vowels(QUESTION_S)), resampler.flush()))


def print_turns(turns: dict[ConnectionType, list[TurnMetrics]]) -> None:
    """Print the figures of both transports side by side."""
    print(
        f"{len(turns['websocket'])} turns each, in ms since the end of the user's speech: median "
        f"(worst)\n{'':14}{'websocket':>14}{'webrtc':>14}   webrtc later by"
    )
    for name in ("transcript_ms", "first_audio_ms", "audible_ms"):
        websocket, webrtc = (
            [float(getattr(metrics, name)) for metrics in turns[transport]]
            for transport in TRANSPORTS
        )
        later_ms = paired_ms(websocket, webrtc)
        print(f"{name:14}{shown(websocket):>14}{shown(webrtc):>14}   {later_ms:.0f}")


if __name__ == "__main__":
    print_turns(asyncio.run(measure()))
