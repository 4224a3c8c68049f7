"""How long an agent with local models takes to answer: the engine alone, without a network.

    python benchmarks/turn_latency_engine.py QUESTION.wav --whisper DIR --piper FILE --llm FILE

plays the question (mono, 16 bits) at its own pace to a session, waits for the answer, and does
so again. Times are seconds after the last voiced 10 ms of the question.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from livekit import rtc
from livekit.agents import Agent, AgentSession, ChatMessage, ConversationItemAddedEvent
from livekit.agents.voice import io

from duologue.agent.speech.local import LocalModels, LocalSpeech
from duologue.agent.speech.stack import CallSpeechOptions, open_session
from duologue.agent.speech.turns import Eagerness

RATE_HZ = 16_000
FRAME_SAMPLES = RATE_HZ // 50
INSTRUCTIONS = (
    "You are a helpful voice assistant. You are speaking with a person: answer in one or two "
    "short sentences."
)
SETTLE_S = 1.5
TURN_LIMIT_S = 15.0
MARKS = ("vad_end", "stt_start", "stt_end", "llm_start", "llm_first", "tts_start", "audio")


class Microphone(io.AudioInput):
    """Gives silence in real time, and the question when it is asked for."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._pending = np.zeros(0, dtype=np.int16)
        self._next_at = time.perf_counter()
        self.position = 0

    def ask(self, question: npt.NDArray[np.int16]) -> None:
        self._pending = np.concatenate([self._pending, question])

    async def __anext__(self) -> rtc.AudioFrame:
        self._next_at += FRAME_SAMPLES / RATE_HZ
        await asyncio.sleep(max(0.0, self._next_at - time.perf_counter()))
        block, self._pending = np.split(self._pending, [min(FRAME_SAMPLES, len(self._pending))])
        block = np.pad(block, (0, FRAME_SAMPLES - len(block)))
        return rtc.AudioFrame(block.tobytes(), RATE_HZ, 1, FRAME_SAMPLES)


class Speaker(io.AudioOutput):
    """Notes when sound comes and pretends that it was played at once."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=False))
        self._marks = marks
        self._seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._seconds == 0.0:
            self._marks.note("audio")
            self.on_playback_started(created_at=time.time())
        self._seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        self._finish(interrupted=False)

    def clear_buffer(self) -> None:
        self._finish(interrupted=True)

    def _finish(self, *, interrupted: bool) -> None:
        if self._seconds:
            seconds, self._seconds = self._seconds, 0.0
            self.on_playback_finished(playback_position=seconds, interrupted=interrupted)


class Marks:
    """The first time that each thing happened in a turn."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    def begin(self) -> None:
        self.times = {}

    def forget(self, *names: str) -> None:
        for name in names:
            self.times.pop(name, None)

    def note(self, what: str, *, latest: bool = False) -> None:
        if latest or what not in self.times:
            self.times[what] = time.perf_counter()


class TimedAgent(Agent):
    def __init__(self, marks: Marks) -> None:
        super().__init__(instructions=INSTRUCTIONS)
        self._marks = marks

    async def llm_node(self, chat_ctx: Any, tools: Any, model_settings: Any) -> AsyncIterator[Any]:
        # A reply begun too soon, in a pause of the question, is begun again.
        self._marks.forget("llm_first", "tts_start")
        self._marks.note("llm_start", latest=True)
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            self._marks.note("llm_first")
            yield chunk


def watch(stack: LocalSpeech, marks: Marks) -> None:
    """Note when the models that the calls share begin and end."""
    transcriber, synthesizer = stack._transcriber, stack._synthesizer
    transcribe, synthesize = type(transcriber).transcribe, type(synthesizer).synthesize

    async def timed_transcribe(samples: npt.NDArray[np.int16]) -> str:
        marks.note("stt_start", latest=True)
        text = await transcribe(transcriber, samples)
        marks.note("stt_end", latest=True)
        return text

    async def timed_synthesize(text: str, speed: float = 1.0) -> npt.NDArray[np.int16]:
        marks.note("tts_start")
        return await synthesize(synthesizer, text, speed)

    transcriber.transcribe = timed_transcribe  # type: ignore[method-assign]
    synthesizer.synthesize = timed_synthesize  # type: ignore[method-assign]


def read_question(path: Path) -> tuple[npt.NDArray[np.int16], float]:
    """Return the question at 16 kHz, and when its last voiced 10 ms ends, in seconds."""
    with wave.open(str(path), "rb") as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    resampled = soxr.resample(samples, rate_hz, RATE_HZ)
    blocks = resampled[: len(resampled) // 160 * 160].reshape(-1, 160).astype(np.float64)
    loud = np.flatnonzero(np.sqrt((blocks**2).mean(axis=1)) > 0.01 * 32768)
    return resampled, float((loud[-1] + 1) / 100)


async def measure(arguments: argparse.Namespace) -> None:
    question, voiced_s = read_question(arguments.question)
    stack = LocalSpeech(LocalModels(arguments.whisper, arguments.piper, arguments.llm))
    await stack.start()
    marks = Marks()
    parts = stack.session_parts(
        CallSpeechOptions(temperature=0.0, eagerness=Eagerness(arguments.eagerness))
    )
    watch(stack, marks)
    session = open_session(parts)
    microphone = Microphone()
    session.input.audio = microphone
    session.output.audio = Speaker(marks)
    await session.start(TimedAgent(marks), record=False)
    rows = []
    try:
        for turn in range(arguments.turns):
            rows.append(await one_turn(session, microphone, marks, question, voiced_s))
            print(turn, " ".join(f"{name} {rows[-1].get(name, np.nan):.2f}" for name in MARKS))
    finally:
        await session.aclose()
        await parts.close()
        await stack.close()
    medians = {name: statistics.median(row.get(name, np.nan) for row in rows) for name in MARKS}
    print("median", " ".join(f"{name} {value:.3f}" for name, value in medians.items()))


async def one_turn(
    session: AgentSession[None],
    microphone: Microphone,
    marks: Marks,
    question: npt.NDArray[np.int16],
    voiced_s: float,
) -> dict[str, float]:
    answered = asyncio.Event()

    def on_item(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage):
            print("   ", event.item.role, repr(event.item.text_content))
            if event.item.role == "assistant":
                answered.set()

    def on_user_state(event: Any) -> None:
        if event.new_state == "listening":
            marks.note("vad_end", latest=True)

    await asyncio.sleep(SETTLE_S)
    marks.begin()
    session.on("conversation_item_added", on_item)
    session.on("user_state_changed", on_user_state)
    asked_at = microphone._next_at
    microphone.ask(question)
    async with asyncio.timeout(TURN_LIMIT_S):
        await answered.wait()
    session.off("conversation_item_added", on_item)
    session.off("user_state_changed", on_user_state)
    end = asked_at + voiced_s
    return {name: at - end for name, at in marks.times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("question", type=Path)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--piper", type=Path, required=True)
    parser.add_argument("--llm", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--eagerness", default="normal")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
