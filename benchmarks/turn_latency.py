"""How long the user waits over either transport: from the end of their speech to the answer.

    python -m benchmarks.turn_latency

holds two conversations over the real wire with one agent on this machine, one over WebSocket and
one over WebRTC, and asks each question in both, now in the one first and now in the other. The end
of the user's speech is the last voiced 10 ms that went out; an answer is audible with its first
sample above -44 dBFS at the speaker.

Our own part is what neither waits for silence nor for a model: the microphone's block and chunk,
the agent's own steps, and play-out from the arrival of the sound, less the silence with which it
begins. What Opus, LiveKit and their buffers take is not in it, but in the difference.
"""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.conversations import QUESTIONS, Samples, agent, spoken
from duologue import AgentAudio, Conversation, Mode, TurnMetrics, VoiceConversation
from duologue.audio.pacing.beat import BLOCK_MS
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.connection.webrtc.connection import WebRtcConnection
from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.conversation.options.transport import ConnectionType
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
  turn:
    turn_timeout: -1 # while a question is asked in the other conversation
"""
TRANSPORTS: Final[tuple[ConnectionType, ...]] = ("websocket", "webrtc")
WIRE_RATE_HZ: Final[dict[ConnectionType, int]] = {"websocket": 16_000, "webrtc": 48_000}
CHUNK_MS: Final[dict[ConnectionType, int]] = {
    "websocket": WebSocketConnection.chunk_ms,
    "webrtc": WebRtcConnection.chunk_ms,
}
TURN_LIMIT_S = 30.0
PAUSE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The times of one turn, in ms since the end of the user's speech.

    Attributes:
        transcript_ms: the user's words arrived.
        first_sound_ms: the first sound of the answer arrived, which may be silent yet.
        audible_ms: the answer was to be heard.
        lead_ms: how long its first sound is silent.
        own_ms: our own part.
    """

    transcript_ms: float
    first_sound_ms: float
    audible_ms: float
    lead_ms: float
    own_ms: float


STEPS: Final[Sequence[tuple[str, Callable[[Turn], float]]]] = (
    ("transcript", lambda turn: turn.transcript_ms),
    ("first sound", lambda turn: turn.first_sound_ms),
    ("audible", lambda turn: turn.audible_ms),
    ("our own part", lambda turn: turn.own_ms),
)


class Turns:
    """Collects what the turns of one conversation tell."""

    def __init__(self) -> None:
        self.turns: list[tuple[TurnMetrics, float]] = []
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
        self.turns.append((metrics, self._lead_ms))
        self.complete.set()


class Interview:
    """One conversation, in which questions are asked.

    Attributes:
        told: what its turns have told.
    """

    def __init__(
        self, conversation: VoiceConversation, microphone: MemoryMicrophone, told: Turns
    ) -> None:
        self.told = told
        self._conversation = conversation
        self._microphone = microphone

    async def ask(self, question: Samples) -> None:
        """Ask a question, at the rate of the wire, and hear the answer to its end."""
        self.told.asked()
        self._microphone.feed(question)
        async with asyncio.timeout(TURN_LIMIT_S):
            await self.told.complete.wait()
        await quiet(self._conversation)


@asynccontextmanager
async def interview(
    origin: str, transport: ConnectionType, agent_id: str = "bench"
) -> AsyncIterator[Interview]:
    """A conversation whose agent has greeted its user."""
    # At the rate of the wire, at which the system's devices are opened, too.
    rate_hz = WIRE_RATE_HZ[transport]
    microphone, told = MemoryMicrophone(rate_hz), Turns()
    async with Conversation.start_session(
        agent_id=agent_id,
        origin=origin,
        connection_type=transport,
        microphone=microphone,
        speaker=MemorySpeaker(rate_hz),
        on_audio=told.sound,
        on_turn_metrics=told.turn,
    ) as conversation:
        await quiet(conversation)
        yield Interview(conversation, microphone, told)


async def measure(questions: Sequence[str] = QUESTIONS) -> dict[ConnectionType, list[Turn]]:
    """Ask the questions over both transports; the turns of each, in order."""
    order: list[ConnectionType] = []
    # Spoken before: a loop that is busy would hold up the microphones.
    sounds = {
        transport: [spoken(question, WIRE_RATE_HZ[transport]) for question in questions]
        for transport in TRANSPORTS
    }
    async with (
        agent(DEFINITION, with_livekit=True) as (origin, log_path),
        AsyncExitStack() as held,
    ):
        interviews = {
            transport: await held.enter_async_context(interview(origin, transport))
            for transport in TRANSPORTS
        }
        for number in range(len(questions)):
            for transport in in_turn(number):
                await interviews[transport].ask(sounds[transport][number])
                order.append(transport)
        of_agent_ms = _own_of_agent_ms(log_path)
    turns: dict[ConnectionType, list[Turn]] = {transport: [] for transport in TRANSPORTS}
    for transport, agent_ms in zip(order, of_agent_ms, strict=True):
        metrics, lead_ms = interviews[transport].told.turns[len(turns[transport])]
        turns[transport].append(_turn(metrics, lead_ms, agent_ms + CHUNK_MS[transport]))
    return turns


def in_turn(number: int) -> tuple[ConnectionType, ...]:
    """Both transports, now the one first and now the other."""
    return TRANSPORTS if number % 2 == 0 else TRANSPORTS[::-1]


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


def _turn(metrics: TurnMetrics, lead_ms: float, before_ms: float) -> Turn:
    assert metrics.transcript_ms is not None
    assert metrics.first_audio_ms is not None
    assert metrics.audible_ms is not None
    play_ms = metrics.audible_ms - metrics.first_audio_ms - lead_ms
    return Turn(
        transcript_ms=metrics.transcript_ms,
        first_sound_ms=metrics.first_audio_ms,
        audible_ms=metrics.audible_ms,
        lead_ms=lead_ms,
        own_ms=BLOCK_MS + before_ms + play_ms,
    )


def print_turns(turns: dict[ConnectionType, list[Turn]]) -> None:
    """Print each turn, then the figures of both transports side by side."""
    for number in range(len(turns["websocket"])):
        for transport in TRANSPORTS:
            turn = turns[transport][number]
            print(
                f"turn {number + 1:2} {transport:9}: {turn.audible_ms:.0f} ms to audible; "
                f"transcript {turn.transcript_ms:.0f}, first sound {turn.first_sound_ms:.0f}, "
                f"silent at first {turn.lead_ms:.0f}, our own {turn.own_ms:.0f}"
            )
    print(
        f"\n{len(turns['websocket'])} turns each, in ms: median (worst)\n"
        f"{'':14}{'websocket':>14}{'webrtc':>14}   webrtc later by"
    )
    for name, of in STEPS:
        websocket, webrtc = (list(map(of, turns[transport])) for transport in TRANSPORTS)
        later_ms = paired_ms(websocket, webrtc)
        print(f"{name:14}{shown(websocket):>14}{shown(webrtc):>14}   {later_ms:.0f}")


def paired_ms(websocket: Sequence[float], webrtc: Sequence[float]) -> float:
    """By how much one transport is later than the other.

    Whoever asks a question first waits longer for the language model than whoever asks it again:
    by 200 ms as measured. Half of the pairs begin with either transport, so the median of either
    half counts as much, and not which of them lies in the middle of all.
    """
    later_ms = [theirs - ours for ours, theirs in zip(websocket, webrtc, strict=True)]
    return statistics.mean(statistics.median(half) for half in (later_ms[::2], later_ms[1::2]))


def shown(values_ms: Sequence[float]) -> str:
    """The median, and the worst."""
    return f"{statistics.median(values_ms):.0f} ({max(values_ms):.0f})"


if __name__ == "__main__":
    print_turns(asyncio.run(measure()))
