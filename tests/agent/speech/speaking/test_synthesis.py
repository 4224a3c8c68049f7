import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from livekit import rtc
from livekit.agents import APIError, tts
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

from duologue.agent.speech.speaking.synthesis import (
    LEAD_IN_S,
    SpeechSynthesis,
    VoicePart,
    first_audible,
)
from duologue.errors import ModelError

RATE_HZ = 22_050
END_MARK_S = 0.011
"""livekit-agents marks the end of a reply with 10 ms of silence."""

Samples = npt.NDArray[np.int16]


def sound(*stretches: tuple[float, int]) -> Samples:
    """So many seconds of each level, one after another."""
    return np.concatenate([np.full(int(s * RATE_HZ), level, np.int16) for s, level in stretches])


HESITATION = sound((1.0, 0))
"""A part in which nothing is to be heard."""

USUAL_PARTS = (sound((0.5, 0), (0.2, 9000)), sound((0.8, 9000), (0.2, 0)))
"""0.5 s of silence, 1 s of sound and 0.2 s of silence, in two parts."""


class Voice:
    """Speaks each piece in the same parts.

    Args:
        parts: their sound.
        voice_end_s: where it says that the voice ends.
    """

    def __init__(self, parts: Sequence[Samples] = USUAL_PARTS, *, voice_end_s: float = 1.5) -> None:
        self.parts = parts
        self.voice_end = int(voice_end_s * RATE_HZ)
        self.said: list[tuple[str, float]] = []
        self.failure: ModelError | None = None
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.rest = asyncio.Event()
        self.rest.set()

    @property
    def sample_rate_hz(self) -> int:
        return RATE_HZ

    async def synthesize(self, text: str, speed: float) -> AsyncIterator[VoicePart]:
        self.said.append((text, speed))
        self.asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        for samples in self.parts:
            yield VoicePart(samples, self.voice_end)
            await self.rest.wait()


async def speak(synthesis: SpeechSynthesis, *texts: str) -> list[rtc.AudioFrame]:
    async with synthesis.stream() as stream:
        for text in texts:
            stream.push_text(text)
        stream.end_input()
        async with asyncio.timeout(5):
            return [audio.frame async for audio in stream]


async def test_a_reply_is_spoken_in_pieces_each_with_its_text_and_time() -> None:
    voice = Voice()
    frames = await speak(SpeechSynthesis(voice, speed=1.2), "Good morning, ", "how are you?")
    assert voice.said == [("Good morning,", 1.2), ("how are you?", 1.2)]

    at_s, texts = 0.0, []
    for frame in frames:
        for text in frame.userdata[USERDATA_TIMED_TRANSCRIPT]:
            texts.append((str(text), text.start_time, text.end_time))
            assert text.start_time == pytest.approx(at_s + LEAD_IN_S, abs=0.001)
        at_s += frame.duration
    assert [text for text, _, _ in texts] == ["Good morning, ", "how are you?"]
    assert all(end - start == pytest.approx(1.0, abs=0.001) for _, start, end in texts)
    # The silence before a piece is cut, the silence after it stays.
    assert at_s == pytest.approx(2 * (LEAD_IN_S + 1.0 + 0.2), abs=END_MARK_S)


async def test_the_first_piece_sounds_before_the_text_is_complete() -> None:
    voice = Voice()
    async with SpeechSynthesis(voice).stream() as stream:
        stream.push_text("Good morning, h")
        async with asyncio.timeout(5):
            await anext(stream)


async def test_a_part_sounds_before_the_next_is_made() -> None:
    voice = Voice()
    voice.rest.clear()
    async with SpeechSynthesis(voice).stream() as stream:
        stream.push_text("Good morning.")
        stream.end_input()
        async with asyncio.timeout(5):
            first = (await anext(stream)).frame
            # The silence before the sound is cut, and livekit-agents holds 10 ms back.
            assert first.duration == pytest.approx(LEAD_IN_S + 0.2, abs=0.011)
            voice.rest.set()
            whole_s = first.duration + sum([audio.frame.duration async for audio in stream])
    assert whole_s == pytest.approx(LEAD_IN_S + 1.2, abs=END_MARK_S)


async def test_a_voice_that_ends_before_it_began_is_heard_where_it_begins() -> None:
    frames = await speak(SpeechSynthesis(Voice(voice_end_s=0.0)), "Good morning.")
    (text,) = frames[0].userdata[USERDATA_TIMED_TRANSCRIPT]
    assert text.start_time == text.end_time == pytest.approx(LEAD_IN_S, abs=0.001)


async def test_silence_is_cut_though_it_lasts_longer_than_a_part() -> None:
    voice = Voice((HESITATION, *USUAL_PARTS), voice_end_s=2.5)
    frames = await speak(SpeechSynthesis(voice), "Good morning.")
    (text,) = frames[0].userdata[USERDATA_TIMED_TRANSCRIPT]
    assert text.start_time == pytest.approx(LEAD_IN_S, abs=0.001)
    assert text.end_time == pytest.approx(LEAD_IN_S + 1.0, abs=0.001)
    assert sum(frame.duration for frame in frames) == pytest.approx(1.21, abs=END_MARK_S)


@pytest.mark.parametrize("parts", [(), (HESITATION,)])
async def test_text_of_which_the_voice_makes_no_sound_is_told_all_the_same(
    parts: Sequence[Samples],
) -> None:
    frames = await speak(SpeechSynthesis(Voice(parts)), "①")
    assert [str(text) for text in frames[0].userdata[USERDATA_TIMED_TRANSCRIPT]] == ["①"]
    assert sum(frame.duration for frame in frames) == pytest.approx(0.01, abs=END_MARK_S)


async def test_text_that_cannot_be_spoken_makes_a_moment_of_silence() -> None:
    voice = Voice()
    frames = await speak(SpeechSynthesis(voice), "…!")
    assert voice.said == []
    assert sum(frame.duration for frame in frames) == pytest.approx(0.01, abs=END_MARK_S)


async def test_a_voice_that_fails_is_reported_once_and_not_tried_again() -> None:
    voice = Voice()
    voice.failure = ModelError("the voice is gone")
    synthesis = SpeechSynthesis(voice)
    errors: list[tts.TTSError] = []
    synthesis.on("error", errors.append)
    with pytest.raises(APIError, match="the voice is gone"):
        await speak(synthesis, "Hello there.")
    assert len(voice.said) == 1
    assert [error.recoverable for error in errors] == [False]


async def test_closing_ends_the_reply_before_its_next_piece() -> None:
    voice = Voice()
    voice.gate.clear()
    stream = SpeechSynthesis(voice).stream()
    stream.push_text("Good morning, how are you today? I am well, thank you.")
    stream.end_input()
    async with asyncio.timeout(5):
        await voice.asked.wait()
    await stream.aclose()
    voice.gate.set()
    await asyncio.sleep(0)
    assert [text for text, _ in voice.said] == ["Good morning,"]


def test_sound_begins_with_what_somebody_hears() -> None:
    assert first_audible(np.array([0, 100, -400, 5, 400, 200, 0], dtype=np.int16)) == 2
    assert first_audible(np.zeros(10, dtype=np.int16)) is None
    assert first_audible(np.array([], dtype=np.int16)) is None
    assert first_audible(np.array([0, -32768], dtype=np.int16)) == 1
