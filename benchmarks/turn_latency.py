"""How long the user waits: from the end of their speech to the first audible answer.

    python -m benchmarks.turn_latency

holds one conversation of ten turns over the real wire with an agent on this machine. The end of
the user's speech is the last voiced 10 ms that went out; an answer is audible with its first
sample above -44 dBFS. Our own part is what neither waits for silence nor for a model: the
microphone's block and chunk, the agent's own steps, and play-out from the arrival of the sound,
less the silence with which the synthesiser begins.
"""

from __future__ import annotations

import asyncio
import re
import statistics
from pathlib import Path

import numpy as np

from benchmarks.conversations import QUESTIONS, RATE_HZ, agent, spoken
from duologue import AgentAudio, Conversation, Mode, TurnMetrics, VoiceConversation
from duologue.audio.pacing import BLOCK_MS
from duologue.audio.playout import AUDIBLE_ABOVE
from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker

DEFINITION = """
agent_id: bench
conversation_config:
  agent:
    first_message: Hello.
    prompt:
      prompt: You are a helpful voice assistant. Answer in one short sentence.
      temperature: 0
      max_tokens: 60
"""
CHUNK_MS = 20
TURN_LIMIT_S = 30.0
PAUSE_S = 1.0


class Turns:
    """Collects what each turn tells."""

    def __init__(self) -> None:
        self.metrics: list[TurnMetrics] = []
        self.leads_ms: list[float] = []
        self.complete = asyncio.Event()
        self._lead_ms = 0.0
        self._is_silent = True

    def asked(self) -> None:
        """A question is about to be asked."""
        self._lead_ms, self._is_silent = 0.0, True
        self.complete.clear()

    def sound(self, audio: AgentAudio) -> None:
        """Count the silence before the first audible sample of the answer."""
        if not self._is_silent:
            return
        samples = np.frombuffer(audio.pcm, "<i2").astype(np.int32)
        audible = np.flatnonzero(np.abs(samples) > AUDIBLE_ABOVE)
        self._is_silent = not len(audible)
        silent = len(samples) if self._is_silent else int(audible[0])
        self._lead_ms += silent * 1000 / audio.format.sample_rate_hz

    def turn(self, metrics: TurnMetrics) -> None:
        """A turn is complete: its answer is audible."""
        self.metrics.append(metrics)
        self.leads_ms.append(self._lead_ms)
        self.complete.set()


async def measure(turns: int = len(QUESTIONS)) -> list[float]:
    """Hold the conversation, print its figures, and return the latency of each turn in ms."""
    questions = [spoken(question) for question in QUESTIONS[:turns]]
    microphone, told = MemoryMicrophone(RATE_HZ), Turns()
    async with (
        agent(DEFINITION) as (origin, log_path),
        Conversation.start_session(
            agent_id="bench",
            origin=origin,
            microphone=microphone,
            speaker=MemorySpeaker(RATE_HZ),
            input_chunk_duration_ms=CHUNK_MS,
            on_audio=told.sound,
            on_turn_metrics=told.turn,
        ) as conversation,
    ):
        await quiet(conversation)
        for question in questions:
            told.asked()
            microphone.feed(question)
            async with asyncio.timeout(TURN_LIMIT_S):
                await told.complete.wait()
            await quiet(conversation)
        own_of_agent_ms = _own_of_agent_ms(log_path)
    return _print(told, own_of_agent_ms)


async def quiet(conversation: VoiceConversation, pause_s: float = PAUSE_S) -> None:
    """Wait until the agent has said something and then nothing for a while."""
    async with asyncio.timeout(TURN_LIMIT_S):
        while conversation.mode is not Mode.SPEAKING:
            await asyncio.sleep(0.01)
        while True:
            while conversation.mode is Mode.SPEAKING:
                await asyncio.sleep(0.01)
            await asyncio.sleep(pause_s)
            if conversation.mode is not Mode.SPEAKING:
                return


def _own_of_agent_ms(log_path: Path) -> list[float]:
    log = log_path.read_text(encoding="utf-8")
    return [float(own) for own in re.findall(r"duologue\.agent\.turns: .* own (\d+) ms", log)]


def _print(told: Turns, own_of_agent_ms: list[float]) -> list[float]:
    latencies_ms = [metrics.latency_ms or float("inf") for metrics in told.metrics]
    owns_ms = []
    for metrics, lead_ms, agent_ms in zip(
        told.metrics, told.leads_ms, own_of_agent_ms, strict=True
    ):
        assert metrics.audible_ms is not None
        assert metrics.first_audio_ms is not None
        play_ms = metrics.audible_ms - metrics.first_audio_ms - lead_ms
        owns_ms.append(BLOCK_MS + CHUNK_MS + agent_ms + play_ms)
        print(
            f"turn: {metrics.audible_ms:.0f} ms to audible; "
            f"transcript {metrics.transcript_ms:.0f}, first sound {metrics.first_audio_ms:.0f}, "
            f"silence of the voice {lead_ms:.0f}, our own {owns_ms[-1]:.0f}"
        )
    print(
        f"{len(latencies_ms)} turns: median {statistics.median(latencies_ms):.0f} ms, "
        f"worst {max(latencies_ms):.0f} ms; our own part: median {statistics.median(owns_ms):.0f} "
        f"ms, worst {max(owns_ms):.0f} ms"
    )
    return latencies_ms


if __name__ == "__main__":
    asyncio.run(measure())
