"""How fast live sound is on its way, on the virtual devices of a real sound server.

    python -m benchmarks.live_sound

holds conversations through the default devices with a scripted agent, and measures

- from the microphone to the wire: how old the first sample of each chunk is when the agent
  receives it, with the processing of the sound off and on;
- from the message of an interruption to silence on the speaker's monitor.

The time at which a sample was at a device is that of a bare recorder beside the client: the time
when the sound server hands out the latest sample of a block.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.virtual_devices import (
    DEVICE_RATE_HZ,
    TimedRecording,
    delay_of,
    recording,
    resampled,
    syllables,
    virtual_devices,
)
from duologue import Conversation
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import AudioEvent, InterruptionEvent
from duologue.testing.scripted_agent import ScriptedAgent
from duologue.testing.scripted_call import ScriptedCall
from tests.audio.signals import tone
from tests.real.pulseaudio import MICROPHONE, SPEAKER, PulseAudio

WIRE_RATE_HZ = 16_000
CHUNK_MS = 20
SPEECH_S = 8.0
SETTLING_S = 1.0
"""Devices and processing find their pace meanwhile."""

INTERRUPTIONS = 10
SPOKEN_S = 0.4
SILENCE_S = 0.25


@dataclass(frozen=True)
class Delays:
    """Some delays of the same kind, in ms."""

    each_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return float(np.median(self.each_ms))

    @property
    def most_ms(self) -> float:
        """What all but one of twenty stay within."""
        return float(np.quantile(self.each_ms, 0.95))

    @property
    def worst_ms(self) -> float:
        return max(self.each_ms)

    def __str__(self) -> str:
        return (
            f"median {self.median_ms:.1f} ms, 95 % within {self.most_ms:.1f} ms, "
            f"worst {self.worst_ms:.1f} ms of {len(self.each_ms)}"
        )


async def microphone_to_wire(
    server: PulseAudio, *, processed: bool, speech_s: float = SPEECH_S
) -> Delays:
    """How old the first sample of each chunk is when the agent has it."""
    chunks: list[tuple[float, Samples]] = []

    async def listen(call: ScriptedCall) -> None:
        await call.begin()
        while True:
            chunk = await call.receive(UserAudioChunk)
            chunks.append((time.monotonic(), samples_from_bytes(chunk.audio)))

    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes_from_samples(syllables(speech_s)))
        file.flush()
        with recording(server, MICROPHONE) as reference:
            async with (
                ScriptedAgent(listen) as agent,
                Conversation.start_session(
                    agent_id="any",
                    origin=agent.origin,
                    input_chunk_duration_ms=CHUNK_MS,
                    echo_cancellation=processed,
                    noise_suppression=processed,
                ),
            ):
                await asyncio.sleep(SETTLING_S)
                with server.playing(f"{MICROPHONE}_in", Path(file.name), DEVICE_RATE_HZ):
                    await asyncio.sleep(speech_s)
    return _ages(chunks, reference)


def _ages(chunks: list[tuple[float, Samples]], reference: TimedRecording) -> Delays:
    sent = np.concatenate([samples for _, samples in chunks]).astype(np.float64)
    shift = delay_of(sent, resampled(reference.samples, WIRE_RATE_HZ))
    ages_ms = []
    first = 0
    for arrived_s, samples in chunks:
        was_there_s = reference.time_of((first - shift) * DEVICE_RATE_HZ / WIRE_RATE_HZ)
        ages_ms.append((arrived_s - was_there_s) * 1000)
        first += len(samples)
    return Delays(tuple(ages_ms[round(SETTLING_S * 1000 / CHUNK_MS) :]))


async def interruption_to_silence(server: PulseAudio) -> Delays:
    """From the agent's sending an interruption to the last audible sample of its speech."""
    sent_s: list[float] = []

    async def speak(call: ScriptedCall) -> None:
        await call.begin()
        await call.wait(SETTLING_S)
        for round_ in range(INTERRUPTIONS):
            speech = bytes_from_samples(tone(3000, WIRE_RATE_HZ))
            await call.send(AudioEvent(audio=bytes(speech), event_id=2 * round_ + 1))
            # Every time at another place within a period.
            await call.wait(SPOKEN_S + round_ * 0.0017)
            sent_s.append(time.monotonic())
            await call.send(InterruptionEvent(event_id=2 * round_ + 2))
            await call.wait(SILENCE_S)

    with recording(server, f"{SPEAKER}.monitor") as heard:
        async with (
            ScriptedAgent(speak) as agent,
            Conversation.start_session(agent_id="any", origin=agent.origin) as conversation,
        ):
            await conversation.wait_until_ended()
    return Delays(tuple((_silent_s(heard, at_s) - at_s) * 1000 for at_s in sent_s))


def _silent_s(heard: TimedRecording, interrupted_s: float) -> float:
    """When the last audible sample of what was interrupted then was there."""
    begin = round((interrupted_s - heard.begin_s) * DEVICE_RATE_HZ)
    rest = heard.samples[begin : begin + round(SILENCE_S * DEVICE_RATE_HZ)]
    audible = np.flatnonzero(np.abs(rest.astype(np.int32)) > AUDIBLE_ABOVE)
    return heard.time_of(begin + (int(audible[-1]) if len(audible) else 0))


async def measure() -> None:
    """Print each figure."""
    with virtual_devices() as server:
        for processed in (False, True):
            name = "echo cancellation and noise suppression" if processed else "no processing"
            print(
                f"microphone to wire, chunks of {CHUNK_MS} ms, {name}: "
                f"{await microphone_to_wire(server, processed=processed)}",
                flush=True,
            )
        print(f"interruption to silence: {await interruption_to_silence(server)}")


if __name__ == "__main__":
    asyncio.run(measure())
