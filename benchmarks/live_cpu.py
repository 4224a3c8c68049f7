"""What a live voice call costs its client, on the virtual devices of a real sound server.

    python -m benchmarks.live_cpu

holds a call of 30 s through the default devices, with echo cancellation, noise suppression and
gain control, in a process of its own. User and agent speak by turns. The figure is the processor
time of that process, all threads of it, from the start of the conversation to its end; neither the
sound server nor the agent is part of it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.virtual_devices import DEVICE_RATE_HZ, syllables, virtual_devices
from duologue import Conversation
from duologue.audio.samples import bytes_from_samples
from duologue.protocol.server_events import AudioEvent
from duologue.testing.scripted_agent import ScriptedAgent
from duologue.testing.scripted_call import ScriptedCall
from tests.audio.signals import tone
from tests.real.pulseaudio import MICROPHONE, PulseAudio

CALL_S = 30.0
TURN_S = 2.5
PIECE_MS = 250
WIRE_RATE_HZ = 16_000
START_LIMIT_S = 30.0


async def share_of_core(server: PulseAudio, call_s: float = CALL_S) -> float:
    """How much of one core the client of a call needs."""

    async def speak_by_turns(call: ScriptedCall) -> None:
        await call.begin()
        piece = bytes(bytes_from_samples(tone(PIECE_MS, WIRE_RATE_HZ)))
        ends_s = time.monotonic() + call_s
        event_id = 0
        while time.monotonic() < ends_s:
            event_id += 1
            for _ in range(round(TURN_S * 1000 / PIECE_MS)):
                await call.send(AudioEvent(audio=piece, event_id=event_id))
            await call.wait(2 * TURN_S)

    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes_from_samples(syllables(call_s)))
        file.flush()
        async with ScriptedAgent(speak_by_turns) as agent:
            with server.playing(f"{MICROPHONE}_in", Path(file.name), DEVICE_RATE_HZ):
                client = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "benchmarks.live_cpu",
                    agent.origin,
                    stdout=asyncio.subprocess.PIPE,
                    env=server.environment,
                )
                async with asyncio.timeout(call_s + START_LIMIT_S):
                    output, _ = await client.communicate()
    return float(output)


async def hold_call(origin: str) -> float:
    """Be the client until the agent ends the call; give the share of one core that it took."""
    async with Conversation.start_session(
        agent_id="any",
        origin=origin,
        echo_cancellation=True,
        noise_suppression=True,
        auto_gain_control=True,
    ) as conversation:
        began_s, used_s = time.monotonic(), time.process_time()
        await conversation.wait_until_ended()
        return (time.process_time() - used_s) / (time.monotonic() - began_s)


async def measure() -> None:
    """Print the figure."""
    with virtual_devices() as server:
        share = await share_of_core(server)
    print(f"a live call of {CALL_S:.0f} s with all processing: {share:.1%} of a core")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(asyncio.run(hold_call(sys.argv[1])))
    else:
        asyncio.run(measure())
