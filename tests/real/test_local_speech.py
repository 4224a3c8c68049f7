"""The whole of it, without a network: a spoken question, and an answer one can understand."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio
import soxr
from livekit import rtc
from livekit.agents import Agent, APIConnectOptions, ChatMessage, ConversationItemAddedEvent, llm
from livekit.agents.voice import io

from duologue.agent.speech.local import LocalSpeech
from duologue.agent.speech.stack import CallSpeechOptions, open_session
from duologue.agent.speech.thinking.context import fit_context
from duologue.agent.speech.thinking.language_model import read_ahead
from tests.real.bundled_models import bundled_models
from tests.real.speech import VOICE_SEED
from tests.real.understanding import assert_answered

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("local speech")]

QUESTION = "What is the capital city of France?"
RATE_HZ = 16_000
FRAME_SAMPLES = RATE_HZ // 50
ANSWER_LIMIT_S = 60.0

Samples = npt.NDArray[np.int16]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech() -> AsyncIterator[LocalSpeech]:
    speech = LocalSpeech(bundled_models(), voice_seed=VOICE_SEED)
    await speech.start()
    yield speech
    await speech.close()


async def speak(speech: LocalSpeech, text: str) -> Samples:
    """Say it with the agent's own voice, at 16 kHz."""
    parts = speech.session_parts(CallSpeechOptions())
    frame = await parts.tts.synthesize(text).collect()
    await parts.close()
    samples = np.frombuffer(frame.data, dtype=np.int16)
    return np.asarray(soxr.resample(samples, frame.sample_rate, RATE_HZ), dtype=np.int16)


class Microphone(io.AudioInput):
    def __init__(self, question: Samples) -> None:
        super().__init__(label="microphone")
        self._question = question
        self._at = 0

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(FRAME_SAMPLES / RATE_HZ)
        block = self._question[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        block = np.pad(block, (0, FRAME_SAMPLES - len(block)))
        return rtc.AudioFrame(block.tobytes(), RATE_HZ, 1, FRAME_SAMPLES)


class Recorder(io.AudioOutput):
    def __init__(self) -> None:
        super().__init__(label="recorder", capabilities=io.AudioOutputCapabilities(pause=False))
        self.frames: list[rtc.AudioFrame] = []
        self._is_open = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.frames.append(frame)
        self._is_open = True

    def flush(self) -> None:
        super().flush()
        if self._is_open:
            self._is_open = False
            self.on_playback_finished(playback_position=1.0, interrupted=False)

    def clear_buffer(self) -> None:
        self.flush()


async def test_a_spoken_question_is_heard_and_gets_a_spoken_answer(speech: LocalSpeech) -> None:
    scores: list[float] = []
    parts = speech.session_parts(CallSpeechOptions(temperature=0.0, on_voice_score=scores.append))
    session = open_session(parts)
    recorder = Recorder()
    session.input.audio = Microphone(await speak(speech, QUESTION))
    session.output.audio = recorder
    messages: asyncio.Queue[ChatMessage] = asyncio.Queue()

    def on_item(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage):
            messages.put_nowait(event.item)

    session.on("conversation_item_added", on_item)
    await session.start(Agent(instructions="Answer in one short sentence."), record=False)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            heard, answered = await messages.get(), await messages.get()
    finally:
        await session.aclose()
        await parts.close()
    assert_answered(QUESTION, heard.text_content or "", answered.text_content or "", "paris")
    assert recorder.frames
    assert max(scores) > 0.8


async def test_a_conversation_far_longer_than_the_context_still_gets_a_reply(
    speech: LocalSpeech,
) -> None:
    parts = speech.session_parts(CallSpeechOptions(temperature=0.0, max_tokens=20))
    assert parts.context_tokens is not None
    chat = llm.ChatContext.empty()
    chat.add_message(role="system", content="Answer in one short sentence.")
    for n in range(300):
        chat.add_message(role="user", content=f"Tell me about the number {n}, please.")
        chat.add_message(role="assistant", content=f"The number {n} comes before {n + 1}.")
    chat.add_message(role="user", content="And 1,234,567,890? " * 400)
    async with (
        asyncio.timeout(ANSWER_LIMIT_S),
        parts.llm.chat(
            chat_ctx=fit_context(chat, parts.context_tokens),
            conn_options=APIConnectOptions(max_retry=0, timeout=ANSWER_LIMIT_S),
        ) as reply,
    ):
        text = [chunk.delta.content or "" async for chunk in reply if chunk.delta is not None]
    await parts.close()
    assert "".join(text).strip()


async def test_of_what_a_conversation_begins_with_nothing_is_read_again(
    speech: LocalSpeech,
) -> None:
    parts = speech.session_parts(CallSpeechOptions(temperature=0.0, max_tokens=1))
    greeting = "Good evening. Is there anything at all that you would like to know?"
    await read_ahead(parts.llm, "Answer in one short sentence.", greeting)
    chat = llm.ChatContext.empty()
    chat.add_message(role="system", content="Answer in one short sentence.")
    chat.add_message(role="assistant", content=greeting)
    chat.add_message(role="user", content="What is the capital of France?")
    async with (
        asyncio.timeout(ANSWER_LIMIT_S),
        parts.llm.chat(
            chat_ctx=chat, conn_options=APIConnectOptions(max_retry=0, timeout=ANSWER_LIMIT_S)
        ) as reply,
    ):
        (usage,) = [chunk.usage async for chunk in reply if chunk.usage is not None]
    await parts.close()
    # The question has 7 tokens, and the template has some before and after it.
    assert usage.prompt_tokens > 40
    assert usage.prompt_tokens - usage.prompt_cached_tokens <= 20


async def test_a_faster_voice_needs_less_time(speech: LocalSpeech) -> None:
    durations_s = []
    for speed in (0.7, 1.2):
        parts = speech.session_parts(CallSpeechOptions(speed=speed))
        frame = await parts.tts.synthesize("People like to talk to each other.").collect()
        durations_s.append(frame.duration)
        await parts.close()
    assert durations_s[0] > durations_s[1] * 1.3


async def test_a_closed_stack_can_be_started_again(speech: LocalSpeech) -> None:
    await speech.close()
    await speech.start()
    assert len(await speak(speech, "Hello again.")) > RATE_HZ // 4
