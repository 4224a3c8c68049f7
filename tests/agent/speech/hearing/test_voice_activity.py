import asyncio

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import vad

from duologue.agent.speech import turns
from duologue.agent.speech.hearing.voice_activity import (
    WINDOW_S,
    WINDOWS_PER_SCORE,
    CallVoiceActivity,
    InlineExecutor,
    ScoreReporter,
    VoiceActivity,
)

RATE_HZ = 16_000


def activity(probability: float) -> VoiceActivity:
    return VoiceActivity(probability, is_speaking=False, speech_s=0.0, silence_s=0.0)


async def test_every_window_reaches_the_listeners_with_its_own_silence() -> None:
    heard: list[VoiceActivity] = []
    detector = CallVoiceActivity(
        min_speech_s=turns.MIN_SPEECH_S,
        min_silence_s=turns.MIN_SILENCE_S,
        activation_threshold=turns.ACTIVATION_THRESHOLD,
        deactivation_threshold=turns.DEACTIVATION_THRESHOLD,
        listeners=(heard.append,),
    )
    stream = detector.stream()
    silence = np.zeros(RATE_HZ, dtype=np.int16)
    stream.push_frame(rtc.AudioFrame(silence.tobytes(), RATE_HZ, 1, len(silence)))
    stream.end_input()
    async with asyncio.timeout(5):
        events = [event async for event in stream]
    await stream.aclose()
    assert {event.type for event in events} == {vad.VADEventType.INFERENCE_DONE}
    assert [window.silence_s for window in heard] == pytest.approx(
        [WINDOW_S * (n + 1) for n in range(len(events))]
    )
    assert not any(window.is_speaking or window.speech_s for window in heard)


@pytest.mark.parametrize(
    ("probabilities", "longest_s"),
    [
        ([0.9] * 2 + [0.0] * 7, 2 * WINDOW_S),  # a scrap of an echo, then silence
        ([0.9] * 5, 5 * WINDOW_S),
        ([0.9] * 3 + [0.0] * 4 + [0.9] * 2, 5 * WINDOW_S),  # a word with a gap
        ([0.9] * 2 + [0.0] * 9 + [0.9] * 2, 2 * WINDOW_S),  # two scraps
    ],
)
async def test_the_session_is_told_how_much_of_a_speech_was_voiced(
    monkeypatch: pytest.MonkeyPatch, probabilities: list[float], longest_s: float
) -> None:
    windows = iter(probabilities)
    monkeypatch.setattr(
        "livekit.agents.inference.vad._NativeVAD.predict", lambda native, samples: next(windows)
    )
    stream = CallVoiceActivity(
        min_speech_s=turns.MIN_SPEECH_S,
        min_silence_s=turns.MIN_SILENCE_S,
        activation_threshold=turns.ACTIVATION_THRESHOLD,
        deactivation_threshold=turns.DEACTIVATION_THRESHOLD,
    ).stream()
    samples = np.zeros(round(len(probabilities) * WINDOW_S * RATE_HZ), dtype=np.int16)
    stream.push_frame(rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, len(samples)))
    stream.end_input()
    async with asyncio.timeout(5):
        events = [event async for event in stream]
    await stream.aclose()
    durations_s = [
        event.speech_duration
        for event in events
        if event.type is vad.VADEventType.INFERENCE_DONE and event.speaking
    ]
    assert max(durations_s, default=0.0) == pytest.approx(longest_s)


def test_the_score_is_the_highest_of_a_quarter_of_a_second() -> None:
    scores: list[float] = []
    report = ScoreReporter(scores.append)
    for probability in (*[0.1] * (WINDOWS_PER_SCORE - 1), 0.8, *[0.2] * WINDOWS_PER_SCORE, 0.9):
        report(activity(probability))
    assert scores == [0.8, 0.2]


def test_the_inline_executor_gives_results_and_errors_at_once() -> None:
    executor = InlineExecutor()
    assert executor.submit(divmod, 7, 2).result(timeout=0) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(timeout=0)
