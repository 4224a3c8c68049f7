"""How soon speech over the agent's echo counts as an interruption, over many sentences and moments.

    python -m benchmarks.barge_in_detection

mixes sentences of two voices into the echo of the agent's, 8 dB louder than it, 60 ms late, at
twenty moments of a story each; puts the sum through the client's processing and the agent's voice
activity detection, and measures from the first voiced sample to the window with which the speech
is long enough to interrupt. No device and no clock is at work: the wire comes on top. It then lets
the canceller begin anew with sixty sentences of each of three voices and counts the echoes that
would interrupt: the agent interrupting itself.

Measured: 114 barge-ins noticed after 273 ms (median; 433 ms for nine of ten), 5 later than 500 ms,
most of them of the sentence that begins with "Ex": its first vowel alone is too short. No echo of
the agent's voice nor of en-us, and 27 of 60 of en-us+f3, a synthetic voice with which the canceller
is slow to begin, would have interrupted. espeak-ng never says a sentence twice in the same way, so
the figures vary.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from livekit import rtc
from livekit.agents import vad

from benchmarks.barge_in_through_echo import LOUDER_DB, at_level, gain, level_of
from benchmarks.conversations import spoken as spoken_by_agent
from benchmarks.echo_cancellation import DEFAULT, processed, say
from benchmarks.word_error_rate import SENTENCES
from duologue.agent.speech import turns
from duologue.agent.speech.hearing.voice_activity import CallVoiceActivity
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_floats, silence
from duologue.cli.models import pull_missing
from tests.audio.room import echo
from tests.real.speech import SpokenSentences

RATE_HZ = 16_000
DELAY_MS = 60.0
DELAYS_MS = (20.0, 60.0, 120.0)
USERS = ("en-us", "en-gb+f3")
INTERRUPTIONS = ("What is the capital of France?", "Stop, please.", "Excuse me, I have a question.")
STORY = SENTENCES[20:28]
FIRST_S, LAST_S, EVERY_S = 4.0, 14.0, 0.53
"""When the user begins: from when the canceller knows the room, at uneven places in words."""
LISTENED_S = 3
LATE_MS = 500.0
AGENTS = ("agent", "en-us", "en-us+f3")
BEGINNINGS = SENTENCES[:20]


async def interruptions_s(heard: Samples) -> list[float]:
    """At which places in what the agent hears speech has lasted long enough to interrupt."""
    stream = CallVoiceActivity(
        min_speech_s=turns.MIN_SPEECH_S,
        min_silence_s=turns.MIN_SILENCE_S,
        activation_threshold=turns.ACTIVATION_THRESHOLD,
        deactivation_threshold=turns.DEACTIVATION_THRESHOLD,
    ).stream()
    try:
        stream.push_frame(rtc.AudioFrame(bytes_from_samples(heard), RATE_HZ, 1, len(heard)))
        stream.end_input()
        return [
            event.timestamp
            async for event in stream
            if event.type is vad.VADEventType.INFERENCE_DONE
            and event.speech_duration >= turns.INTERRUPTION_S
        ]
    finally:
        await stream.aclose()


def barge_ins(spoken: SpokenSentences) -> Iterator[tuple[Samples, float]]:
    """What the agent hears, and at how many seconds the user begins, for all barge-ins."""
    story = np.concatenate([spoken_by_agent(sentence) for sentence in STORY])
    heard = echo(story, RATE_HZ, delay_ms=DELAY_MS)
    for user in USERS:
        for text in INTERRUPTIONS:
            sentence = at_level(say(spoken, user, text, RATE_HZ), level_of(heard) * gain(LOUDER_DB))
            first_voiced = int(np.flatnonzero(np.abs(sentence.astype(np.int32)) > AUDIBLE_ABOVE)[0])
            for begins_s in np.arange(FIRST_S, LAST_S, EVERY_S):
                begins = round(begins_s * RATE_HZ)
                mixed = heard[: begins + LISTENED_S * RATE_HZ].astype(np.float64)
                mixed[begins : begins + len(sentence)] += sentence[: len(mixed) - begins]
                played = story[: len(mixed)]
                rest = processed(samples_from_floats(mixed), played, RATE_HZ, DEFAULT)
                yield rest, (begins + first_voiced) / RATE_HZ


def beginnings(spoken: SpokenSentences, voice: str) -> Iterator[Samples]:
    """What is left of the echo of an agent's first sentences, before the canceller knows them."""
    pause = silence(RATE_HZ // 2)
    for text in BEGINNINGS:
        played = np.concatenate((pause, say(spoken, voice, text, RATE_HZ), pause))
        for delay_ms in DELAYS_MS:
            heard = echo(played, RATE_HZ, delay_ms=delay_ms)
            yield processed(heard, played, RATE_HZ, DEFAULT)


async def measure() -> None:
    """Print all figures."""
    pull_missing()
    with tempfile.TemporaryDirectory() as folder:
        spoken = SpokenSentences(Path(folder))
        noticed_ms = []
        for heard, began_s in barge_ins(spoken):
            found = [at_s for at_s in await interruptions_s(heard) if at_s > began_s]
            noticed_ms.append((found[0] - began_s) * 1000 if found else float("inf"))
        print(
            f"{len(noticed_ms)} barge-ins noticed after {np.median(noticed_ms):.0f} ms (median), "
            f"{np.percentile(noticed_ms, 90):.0f} ms for nine of ten; "
            f"{sum(figure > LATE_MS for figure in noticed_ms)} later than {LATE_MS:.0f} ms",
            flush=True,
        )
        for voice in AGENTS:
            interrupted = [bool(await interruptions_s(rest)) for rest in beginnings(spoken, voice)]
            print(
                f"{voice}: {sum(interrupted)} of {len(interrupted)} echoes of a first sentence "
                "would interrupt",
                flush=True,
            )


if __name__ == "__main__":
    asyncio.run(measure())
