"""How long the agent goes on talking when the user talks over it.

    python -m benchmarks.barge_in

lets an agent read a long greeting, talks over it, and measures from the user's first voiced block
to the end of the last block in which the client's speaker still played something.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.conversations import RATE_HZ, agent, spoken
from duologue import Conversation, Mode
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.samples import samples_from_bytes
from duologue.protocol.server_events import AgentResponseCorrectionEvent
from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker

DEFINITION = """
agent_id: reader
conversation_config:
  agent:
    first_message: >-
      Once upon a time there was a small village by a wide river, and in that village there lived
      an old clockmaker who knew the time of every town on the way to the sea, and of every ship
      that ever came up the river, and of every bell that rang along its banks at night.
    prompt:
      prompt: You are a helpful voice assistant. Answer in one short sentence.
      temperature: 0
      max_tokens: 40
  conversation:
    client_events: [audio, interruption, agent_response, agent_response_correction,
                    user_transcript, ping]
"""
BARGE_INS = 5
LISTEN_S = 2.0
SILENCE_S = 0.3
LIMIT_S = 20.0


class LoudBlocks:
    """When blocks of sound with something audible in them began and ended, in seconds."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def note(self, block: memoryview, ends_s: float) -> None:
        """Take a block that ends at `ends_s`."""
        samples = samples_from_bytes(block).astype(np.int32)
        if np.abs(samples).max(initial=0) > AUDIBLE_ABOVE:
            self.spans.append((ends_s - len(samples) / RATE_HZ, ends_s))


class NotedMicrophone(MemoryMicrophone):
    """Notes when the user is audible. A block is delivered when its last sample was spoken."""

    def __init__(self) -> None:
        super().__init__(RATE_HZ)
        self.loud = LoudBlocks()

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        def note(block: memoryview) -> None:
            self.loud.note(block, time.monotonic())
            deliver(block)

        super().start(note)


class NotedSpeaker(MemorySpeaker):
    """Notes when the agent is audible. A block begins to play when it is rendered."""

    def __init__(self) -> None:
        super().__init__(RATE_HZ)
        self.loud = LoudBlocks()

    def start(self, render: Callable[[int], memoryview]) -> None:
        def note(frames: int) -> memoryview:
            block = render(frames)
            self.loud.note(block, time.monotonic() + frames / RATE_HZ)
            return block

        super().start(note)


async def measure(barge_ins: int = BARGE_INS) -> list[float]:
    """Talk over the agent, print each figure, and return them in ms."""
    question = spoken("Excuse me, what is the capital of France?")
    async with agent(DEFINITION) as (origin, _):
        silent_after_ms = [await _barge_in(origin, question) for _ in range(barge_ins)]
    print(
        f"{barge_ins} barge-ins: median {statistics.median(silent_after_ms):.0f} ms, "
        f"worst {max(silent_after_ms):.0f} ms from the user's voice to silence"
    )
    return silent_after_ms


async def _barge_in(origin: str, question: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    microphone, speaker = NotedMicrophone(), NotedSpeaker()
    corrected: asyncio.Future[AgentResponseCorrectionEvent] = asyncio.Future()
    async with Conversation.start_session(
        agent_id="reader",
        origin=origin,
        microphone=microphone,
        speaker=speaker,
        on_agent_response_correction=corrected.set_result,
    ) as conversation:
        async with asyncio.timeout(LIMIT_S):
            while conversation.mode is not Mode.SPEAKING:
                await asyncio.sleep(0.01)
            await asyncio.sleep(LISTEN_S)
            microphone.feed(question)
            heard = (await corrected).corrected_agent_response
            await asyncio.sleep(SILENCE_S)
    spoke_s = microphone.loud.spans[0][0]
    silent_s = max(end_s for start_s, end_s in speaker.loud.spans if start_s < spoke_s + LISTEN_S)
    print(f"silent after {(silent_s - spoke_s) * 1000:.0f} ms; heard: …{heard[-40:]!r}")
    return (silent_s - spoke_s) * 1000


if __name__ == "__main__":
    asyncio.run(measure())
