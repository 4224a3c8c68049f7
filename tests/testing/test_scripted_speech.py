import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIError, llm, stt

from duologue.agent.speech.hearing.recognition import SpeechRecognizer
from duologue.agent.speech.hearing.voice_activity import VoiceActivity
from duologue.agent.speech.stack import CallSpeechOptions, SessionParts
from duologue.errors import ModelError
from duologue.testing.scripted_speech import SAMPLE_RATE_HZ, ModelBehaviour, ScriptedSpeech

VOICED = VoiceActivity(probability=0.9, is_speaking=True, speech_s=0.5, silence_s=0.0)


def parts_of(stack: ScriptedSpeech) -> SessionParts:
    return stack.session_parts(CallSpeechOptions())


async def hear(parts: SessionParts, utterances: int) -> list[str]:
    """Let the user "speak" this often and return what was understood."""
    texts = []
    recognizer = parts.stt
    assert isinstance(recognizer, SpeechRecognizer)
    async with recognizer.stream() as stream:
        for _ in range(utterances):
            recognizer.hear(VOICED)
            frame = rtc.AudioFrame(np.ones(1600, dtype=np.int16).tobytes(), 16_000, 1, 1600)
            stream.push_frame(frame)
            stream.flush()
            async with asyncio.timeout(2):
                event: stt.SpeechEvent = await anext(stream)
            texts.append(event.alternatives[0].text)
    return texts


async def ask(model: llm.LLM[object], *messages: str) -> AsyncIterator[str]:
    chat = llm.ChatContext.empty()
    for message in messages:
        chat.add_message(role="user", content=message)
    async with model.chat(chat_ctx=chat) as reply:
        async for chunk in reply:
            if chunk.delta is not None and chunk.delta.content:
                yield chunk.delta.content


async def answer(model: llm.LLM[object], *messages: str) -> list[str]:
    async with asyncio.timeout(2):
        return [text async for text in ask(model, *messages)]


async def test_each_utterance_has_its_transcript_and_the_last_is_repeated() -> None:
    stack = ScriptedSpeech(transcripts=["one", "two"])
    assert await hear(parts_of(stack), 3) == ["one", "two", "two"]


async def test_every_call_begins_with_the_first_transcript() -> None:
    stack = ScriptedSpeech(transcripts=["one", "two"])
    assert await hear(parts_of(stack), 1) == ["one"]
    assert await hear(parts_of(stack), 1) == ["one"]


async def test_a_function_makes_the_transcript_of_the_sound() -> None:
    stack = ScriptedSpeech(transcripts=lambda samples: f"{len(samples)} samples")
    assert await hear(parts_of(stack), 1) == ["1600 samples"]


async def test_each_message_has_its_reply_word_by_word() -> None:
    model = parts_of(ScriptedSpeech(replies=["I am well.", "Bye."])).llm
    assert await answer(model, "How are you?") == ["I ", "am ", "well. "]
    assert await answer(model, "How are you?", "Goodbye.") == ["Bye. "]


async def test_a_reply_asked_for_twice_is_the_same() -> None:
    model = parts_of(ScriptedSpeech(replies=["One.", "Two."])).llm
    assert await answer(model, "Hello.") == await answer(model, "Hello.")


async def test_a_function_makes_the_reply_of_the_conversation() -> None:
    model = parts_of(ScriptedSpeech(replies=lambda chat: f"{len(chat.items)}")).llm
    assert await answer(model, "a", "b", "c") == ["3 "]


async def test_the_voice_is_a_tone_as_long_as_the_text_or_what_is_given() -> None:
    tone = await parts_of(ScriptedSpeech()).tts.synthesize("Hello there.").collect()
    assert tone.duration == pytest.approx(0.72, abs=0.05)
    assert tone.sample_rate == SAMPLE_RATE_HZ

    click = np.full(2205, 9000, dtype=np.int16)
    given = await parts_of(ScriptedSpeech(voice=click)).tts.synthesize("Hello there.").collect()
    assert given.duration == pytest.approx(0.1, abs=0.02)


async def test_each_model_fails_as_the_script_says() -> None:
    broken = ModelBehaviour(failure="out of order")
    with pytest.raises(ModelError, match="out of order"):
        await hear(parts_of(ScriptedSpeech(hearing=broken)), 1)
    with pytest.raises(APIError, match="out of order"):
        await answer(parts_of(ScriptedSpeech(thinking=broken)).llm, "Hello.")
    with pytest.raises(APIError, match="out of order"):
        await parts_of(ScriptedSpeech(speaking=broken)).tts.synthesize("Hello.").collect()


async def test_a_slow_model_takes_its_time() -> None:
    model = parts_of(ScriptedSpeech(thinking=ModelBehaviour(delay_s=30.0))).llm
    chat = llm.ChatContext.empty()
    async with model.chat(chat_ctx=chat) as reply:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(reply)


async def test_starting_and_closing_cost_nothing() -> None:
    stack = ScriptedSpeech()
    await stack.start()
    await stack.close()
