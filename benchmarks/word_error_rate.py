"""What the shorter window of Whisper costs: its word error rate beside that of the full window.

    python -m benchmarks.word_error_rate

has 30 sentences of 1 to 12 s spoken by three voices (one of Piper, two of espeak-ng), recognises
each on both windows, and prints both rates, the texts that differ, and the time each took.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import jiwer
import numpy as np
import numpy.typing as npt
import soxr

from duologue.agent.speech.hearing.repetition import is_repetitive
from duologue.agent.speech.hearing.whisper import SAMPLE_RATE_HZ, WhisperTranscriber
from duologue.agent.speech.models import (
    PIPER_EN_US_JOE_MEDIUM,
    WHISPER_TINY_EN,
    model_folder,
)
from duologue.agent.speech.speaking.piper import PiperSynthesizer
from duologue.cli.models import pull_missing
from tests.real.speech import VOICE_SEED

SENTENCES = (
    "Good morning, everybody.",
    "Yes, please do that today.",
    "Where are you at the moment?",
    "That sounds right to me.",
    "Call me back tomorrow.",
    "How is the weather in London today?",
    "Please read me the first message.",
    "I would like to change my address.",
    "What is the capital city of France?",
    "Could you speak a little more slowly?",
    "My train leaves at half past seven in the evening.",
    "Can you tell me how to get to the nearest station?",
    "I have lost my key, and the door is locked from inside.",
    "We should meet on Thursday, because Friday is a holiday.",
    "The coffee was cold, so she went back and asked for another one.",
    "Do you know whether the library is open on Sunday afternoon?",
    "My brother bought a small boat last summer and painted it green.",
    "If it rains again tonight, the garden will be under water by morning.",
    "I ordered two shirts and a pair of shoes, but only the shirts have arrived.",
    "Would you send the invoice to my office, and a copy of it to my home address?",
    "The doctor said that I should walk for an hour every day and drink more water.",
    "They have been building the bridge for three years, and nobody knows when it will be done.",
    "When the concert was over, the people stood up, and some of them sang all the way home.",
    "I cannot open the file that you sent me, because my computer says that it is damaged.",
    "Please book a table for four people at eight o'clock, near the window if that is possible, "
    "and tell them that one of us does not eat meat.",
    "The old man walked slowly along the beach, picked up a white stone, looked at it for a long "
    "time, and then put it into the pocket of his coat.",
    "I started this job in the spring, and at first I did not understand anything, but now I "
    "can help the others when they have a question.",
    "Before you go to the airport, make sure that you have your passport, your ticket, enough "
    "money for a taxi, and the telephone number of the hotel.",
    "She told me that the house had been empty for twenty years, that the roof was broken, and "
    "that birds were living in the kitchen when they first came in.",
    "There are many reasons to learn another language, and the best one is that you will meet "
    "people whom you would never have met, and hear stories that nobody else can tell you.",
)

Samples = npt.NDArray[np.int16]


def espeak(text: str, voice: str, sample_rate_hz: int = SAMPLE_RATE_HZ) -> Samples:
    """Speak with espeak-ng, which none of the agent's models has to do with."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(
            ["espeak-ng", "-v", voice, "-s", "130", "-w", str(path), text], check=True, timeout=30
        )
        with wave.open(str(path), "rb") as file:
            rate_hz = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    return at_rate(samples, rate_hz, sample_rate_hz)


def at_rate(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype=np.int16)


def piper(voice: PiperSynthesizer, text: str) -> Samples:
    async def speak() -> Samples:
        return np.concatenate([part.samples async for part in voice.synthesize(text)])

    return at_rate(asyncio.run(speak()), voice.sample_rate_hz, SAMPLE_RATE_HZ)


def speak_all(voice: PiperSynthesizer) -> list[tuple[str, Samples]]:
    """Give every voice ten of the sentences, from the shortest to the longest."""
    voices: list[Callable[[str], Samples]] = [
        lambda text: piper(voice, text),
        lambda text: espeak(text, "en-us"),
        lambda text: espeak(text, "en-gb+f3"),
    ]
    return [(text, voices[i % len(voices)](text)) for i, text in enumerate(SENTENCES)]


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " "))


@dataclass(frozen=True, kw_only=True)
class WordErrorRates:
    """What was measured; a rate of 0.1 is one wrong word in ten, times are medians."""

    sentences: int
    shortest_s: float
    longest_s: float
    on_short_window: float
    on_full_window: float
    loops: int
    short_window_s: float
    full_window_s: float


def measure() -> WordErrorRates:
    """Speak and recognise all sentences; print what differs, and the figures."""
    pull_missing()
    whisper = WhisperTranscriber(model_folder(WHISPER_TINY_EN), draws=False)
    path = model_folder(PIPER_EN_US_JOE_MEDIUM) / "en_US-joe-medium.onnx"
    voice = PiperSynthesizer(path, seed=VOICE_SEED)
    try:
        rates = _measure(whisper, speak_all(voice))
    finally:
        whisper.close()
        voice.close()
    for name, value in asdict(rates).items():
        print(f"{name}: {value:.4g}")
    return rates


def _measure(whisper: WhisperTranscriber, spoken: list[tuple[str, Samples]]) -> WordErrorRates:
    short, short_s = recognise(spoken, lambda samples: asyncio.run(whisper.transcribe(samples)))
    full, full_s = recognise(spoken, whisper.transcribe_on_full_window)
    for (text, _), on_short, on_full in zip(spoken, short, full, strict=True):
        if plain(on_short) != plain(on_full):
            print(f"said:  {text}\nshort: {on_short}\nfull:  {on_full}\n")
    said = [plain(text) for text, _ in spoken]
    durations_s = [len(samples) / SAMPLE_RATE_HZ for _, samples in spoken]
    return WordErrorRates(
        sentences=len(spoken),
        shortest_s=min(durations_s),
        longest_s=max(durations_s),
        on_short_window=jiwer.wer(said, [plain(text) for text in short]),
        on_full_window=jiwer.wer(said, [plain(text) for text in full]),
        loops=sum(is_repetitive(text) for text in short),
        short_window_s=float(np.median(short_s)),
        full_window_s=float(np.median(full_s)),
    )


def recognise(
    spoken: list[tuple[str, Samples]], transcribe: Callable[[Samples], str]
) -> tuple[list[str], list[float]]:
    """Return each text, and how long it took in seconds."""
    texts, times_s = [], []
    for _, samples in spoken:
        begin = time.perf_counter()
        texts.append(transcribe(samples))
        times_s.append(time.perf_counter() - begin)
    return texts, times_s


if __name__ == "__main__":
    measure()
