"""Recognition with a transcriber that only counts: what is heard, when, and how often."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest
from livekit import rtc
from livekit.agents import stt

from duologue.agent.speech.hearing.recognition import GUESS_AFTER_S, SpeechRecognizer
from duologue.agent.speech.hearing.utterance import SAMPLE_RATE_HZ
from duologue.agent.speech.hearing.voice_activity import VoiceActivity
from duologue.errors import ModelError

FRAME_SAMPLES = 320
VOICED = VoiceActivity(probability=0.9, is_speaking=True, speech_s=0.5, silence_s=0.0)
PAUSE = VoiceActivity(probability=0.1, is_speaking=True, speech_s=0.0, silence_s=GUESS_AFTER_S)
SILENT = VoiceActivity(probability=0.0, is_speaking=False, speech_s=0.0, silence_s=0.3)


class CountingTranscriber:
    def __init__(self) -> None:
        self.heard_s: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: ModelError | None = None

    async def transcribe(self, samples: npt.NDArray[np.int16]) -> str:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.heard_s.append(len(samples) / SAMPLE_RATE_HZ)
        return f"{len(samples)} samples"


class Call:
    """One call's recogniser, and the sound and voice activity that a session would give it."""

    def __init__(self, transcriber: CountingTranscriber, *, guesses: bool = True) -> None:
        self.recognizer = SpeechRecognizer(transcriber, guesses=guesses)
        self.stream = self.recognizer.stream()

    async def say(self, frames: int) -> None:
        self.recognizer.hear(VOICED)
        for _ in range(frames):
            data = np.ones(FRAME_SAMPLES, dtype=np.int16).tobytes()
            self.stream.push_frame(rtc.AudioFrame(data, SAMPLE_RATE_HZ, 1, FRAME_SAMPLES))
        await self.settle()

    async def hear(self, activity: VoiceActivity) -> None:
        self.recognizer.hear(activity)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def next(self) -> tuple[stt.SpeechEventType, str]:
        async with asyncio.timeout(2):
            event = await anext(self.stream)
        return event.type, event.alternatives[0].text


@pytest.fixture
async def transcriber() -> CountingTranscriber:
    return CountingTranscriber()


@pytest.fixture
async def call(transcriber: CountingTranscriber) -> AsyncIterator[Call]:
    call = Call(transcriber)
    yield call
    await call.stream.aclose()


PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


async def test_a_guess_in_the_pause_is_the_text_when_the_turn_ends(
    call: Call, transcriber: CountingTranscriber
) -> None:
    await call.say(50)
    await call.hear(PAUSE)
    assert await call.next() == (PREFLIGHT, "16000 samples")
    await call.hear(SILENT)
    call.stream.flush()
    assert await call.next() == (FINAL, "16000 samples")
    assert transcriber.heard_s == [1.0]


async def test_speech_that_goes_on_makes_the_guess_void(
    call: Call, transcriber: CountingTranscriber
) -> None:
    transcriber.gate.clear()
    await call.say(50)
    await call.hear(PAUSE)
    await call.say(50)
    transcriber.gate.set()
    call.stream.flush()
    assert await call.next() == (FINAL, "32000 samples")
    assert transcriber.heard_s == [2.0]


async def test_a_click_in_the_pause_does_not(call: Call, transcriber: CountingTranscriber) -> None:
    await call.say(50)
    await call.hear(PAUSE)
    await call.hear(VoiceActivity(probability=0.9, is_speaking=True, speech_s=0.03, silence_s=0.0))
    await call.hear(PAUSE)
    call.stream.flush()
    assert (await call.next())[0] is PREFLIGHT
    assert (await call.next())[0] is FINAL
    assert len(transcriber.heard_s) == 1


async def test_without_guessing_the_text_comes_at_the_end_alone(
    transcriber: CountingTranscriber,
) -> None:
    call = Call(transcriber, guesses=False)
    await call.say(50)
    await call.hear(PAUSE)
    assert transcriber.heard_s == []
    call.stream.flush()
    assert await call.next() == (FINAL, "16000 samples")
    await call.stream.aclose()


async def test_the_end_of_a_turn_in_which_nobody_spoke_has_no_text(
    call: Call, transcriber: CountingTranscriber
) -> None:
    call.stream.flush()
    assert await call.next() == (FINAL, "")
    assert transcriber.heard_s == []


async def test_the_next_utterance_is_heard_while_the_last_is_still_recognised(
    call: Call, transcriber: CountingTranscriber
) -> None:
    transcriber.gate.clear()
    await call.say(50)
    call.stream.flush()
    await call.settle()
    await call.say(10)
    call.stream.flush()
    await call.settle()
    transcriber.gate.set()
    assert await call.next() == (FINAL, "16000 samples")
    assert await call.next() == (FINAL, "3200 samples")


async def test_a_recogniser_that_fails_is_reported_and_ends_the_stream(
    call: Call, transcriber: CountingTranscriber
) -> None:
    errors: list[stt.STTError] = []
    call.recognizer.on("error", errors.append)
    transcriber.failure = ModelError("the model is gone")
    await call.say(50)
    call.stream.flush()
    with pytest.raises(ModelError, match="the model is gone"):
        await call.next()
    assert [str(error.error) for error in errors] == ["the model is gone"]
    assert not errors[0].recoverable


async def test_a_failed_guess_is_reported_when_its_text_is_asked_for(
    call: Call, transcriber: CountingTranscriber
) -> None:
    transcriber.failure = ModelError("the model is gone")
    await call.say(50)
    await call.hear(PAUSE)
    call.stream.flush()
    with pytest.raises(ModelError, match="the model is gone"):
        await call.next()


async def test_closing_stops_a_recognition_that_runs(
    call: Call, transcriber: CountingTranscriber
) -> None:
    transcriber.gate.clear()
    await call.say(50)
    await call.hear(PAUSE)
    before = len(asyncio.all_tasks())
    await call.stream.aclose()
    await call.settle()
    assert len(asyncio.all_tasks()) < before
    assert transcriber.heard_s == []


async def test_a_speaker_far_ahead_of_the_recogniser_is_an_error(
    call: Call, transcriber: CountingTranscriber
) -> None:
    transcriber.gate.clear()
    for _ in range(10):
        await call.say(1)
        call.stream.flush()
        await call.settle()
    with pytest.raises(ModelError, match="8 utterances behind"):
        await call.next()
