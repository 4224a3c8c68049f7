"""What a live voice call costs its client, on the virtual devices of a real sound server.

    python -m benchmarks.live_cpu

holds a call of 30 s through the default devices, with echo cancellation, noise suppression and
gain control, in a process of its own. User and agent speak by turns. The figure is the processor
time of that process, all threads of it, from the start of the conversation to its end; neither the
sound server nor the agent is part of it.

Two floors are measured beside it, each in a process of its own: the same devices with nothing to
do, and WebRTC's audio processing with nothing around it, at the same pace. Code that sleeps between
two pieces of sound finds the processor's caches full of other things, and is several times slower
by it than in a row; so how much a call costs depends on the machine more than on the call, and the
floors say on what kind of machine the figure was measured.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from benchmarks.virtual_devices import DEVICE_RATE_HZ, syllables, virtual_devices
from duologue import Conversation
from duologue.audio import Microphone, Speaker
from duologue.audio.processing.webrtc import WebRTCProcessing
from duologue.audio.samples import bytes_from_samples
from duologue.conversation.sound.choice import PROCESSED_PERIOD_MS
from duologue.protocol.server_events import AudioEvent
from duologue.testing.scripted_agent import ScriptedAgent
from duologue.testing.scripted_call import ScriptedCall
from tests.audio.signals import noise, tone
from tests.real.pulseaudio import MICROPHONE, PulseAudio

CALL_S: Final = 30.0
TURN_S: Final = 2.5
PIECE_MS: Final = 250
CHUNK_MS: Final = 20
FRAME_MS: Final = 10
WIRE_RATE_HZ: Final = 16_000
USER_LATENCY_MS: Final = 200
"""So long that it is the client that decides how often the virtual microphone delivers, as with one
that is real. With 20 ms it does so every 5 ms, though the client asks for 10."""
START_LIMIT_S: Final = 30.0


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
            with server.playing(
                f"{MICROPHONE}_in", Path(file.name), DEVICE_RATE_HZ, latency_ms=USER_LATENCY_MS
            ):
                return await _in_process(server, "call", agent.origin, duration_s=call_s)


async def share_of_devices(server: PulseAudio, duration_s: float = CALL_S) -> float:
    """How much of one core the devices of a call need if nobody does anything with the sound."""
    return await _in_process(server, "devices", str(duration_s), duration_s=duration_s)


async def share_of_processing(server: PulseAudio, duration_s: float = CALL_S) -> float:
    """How much of one core the audio processing needs on its own."""
    return await _in_process(server, "processing", str(duration_s), duration_s=duration_s)


async def _in_process(server: PulseAudio, what: str, argument: str, *, duration_s: float) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.live_cpu", what, argument),
        stdout=asyncio.subprocess.PIPE,
        env=server.environment,
    )
    async with asyncio.timeout(duration_s + START_LIMIT_S):
        output, _ = await process.communicate()
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
        return await _share_during(conversation.wait_until_ended)


async def run_devices(duration_s: str) -> float:
    """Let the devices of a call run, and do nothing with their sound."""
    microphone = Microphone(sample_rate_hz=WIRE_RATE_HZ, period_ms=PROCESSED_PERIOD_MS)
    speaker = Speaker(sample_rate_hz=WIRE_RATE_HZ)
    silence = memoryview(bytes(2 * WIRE_RATE_HZ))
    speaker.start(lambda frames: silence[: 2 * frames])
    microphone.start(lambda data: None)
    try:
        return await _share_during(lambda: asyncio.sleep(float(duration_s)))
    finally:
        microphone.stop()
        speaker.stop()


async def run_processing(duration_s: str) -> float:
    """Process sound at the pace of real time, as much at once as a chunk has."""
    processing = WebRTCProcessing(
        heard_rate_hz=WIRE_RATE_HZ,
        played_rate_hz=WIRE_RATE_HZ,
        echo_cancellation=True,
        noise_suppression=True,
        auto_gain_control=True,
    )
    frames = [noise(FRAME_MS, WIRE_RATE_HZ, dbfs=-20.0, seed=seed) for seed in range(100)]

    async def process() -> None:
        began_s = time.monotonic()
        for chunk in range(round(float(duration_s) * 1000 / CHUNK_MS)):
            await asyncio.sleep(began_s + chunk * CHUNK_MS / 1000 - time.monotonic())
            for part in range(CHUNK_MS // FRAME_MS):
                number = chunk * CHUNK_MS // FRAME_MS + part
                processing.played(frames[(number + 3) % len(frames)])
                processing.heard(frames[number % len(frames)])

    return await _share_during(process)


async def _share_during(something: Callable[[], Awaitable[object]]) -> float:
    began_s, used_s = time.monotonic(), time.process_time()
    await something()
    return (time.process_time() - used_s) / (time.monotonic() - began_s)


async def measure() -> None:
    """Print the figures."""
    with virtual_devices() as server:
        call = await share_of_core(server)
        devices = await share_of_devices(server)
        processing = await share_of_processing(server)
    print(
        f"a live call of {CALL_S:.0f} s with all processing: {call:.1%} of a core\n"
        f"its devices alone: {devices:.1%}; WebRTC's processing alone: {processing:.1%}\n"
        f"the call costs {call / (devices + processing):.2f} times what these do"
    )


PARTS: Final[dict[str, Callable[[str], Awaitable[float]]]] = {
    "call": hold_call,
    "devices": run_devices,
    "processing": run_processing,
}


async def _print_share(part: str, argument: str) -> None:
    print(await PARTS[part](argument))


if __name__ == "__main__":
    asyncio.run(_print_share(*sys.argv[1:]) if sys.argv[1:] else measure())
