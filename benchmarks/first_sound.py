"""How soon a sentence is heard once it is written: our voice part by part, and Piper as it comes.

    python -m benchmarks.first_sound

speaks each sentence in turn with Piper's own library, which gives the sound of a sentence when all
of it is made, and with ours, which gives the beginning first. Both use the bundled voice and two
threads. The last column is the price: the processor time of the whole sentence, ours to Piper's.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
from piper import PiperConfig, PiperVoice

from duologue.agent.speech.models import PIPER_EN_US_JOE_MEDIUM, model_folder
from duologue.agent.speech.speaking.piper import PiperSynthesizer
from duologue.cli.models import pull_missing

SENTENCES = (
    "Certainly!",
    "The capital of France is Paris.",
    "There are three primary colors: red, yellow, and blue.",
    "It is half past nine in the morning, and I am here to help you with whatever you like.",
)
RUNS = 15
THREADS = 2


@dataclass(frozen=True)
class Spoken:
    """How a sentence was spoken, in ms.

    Attributes:
        first_ms: until the first of its sound was there.
        cpu_ms: processor time of all of it.
    """

    first_ms: float
    cpu_ms: float


def original_voice(path: Path) -> PiperVoice:
    """Piper's own voice, with the settings of ours."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text("utf-8")))
    return PiperVoice(session=session, config=config)


def by_piper(voice: PiperVoice, sentence: str) -> Spoken:
    """Speak with Piper's library."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    next(iter(voice.synthesize(sentence)))
    return Spoken((time.perf_counter() - begun_s) * 1000, (time.process_time() - cpu_s) * 1000)


async def by_us(voice: PiperSynthesizer, sentence: str) -> Spoken:
    """Speak with ours."""
    first_ms = None
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    async for _ in voice.synthesize(sentence):
        first_ms = first_ms or (time.perf_counter() - begun_s) * 1000
    assert first_ms is not None
    return Spoken(first_ms, (time.process_time() - cpu_s) * 1000)


async def measure() -> None:
    """Speak every sentence, now with the one and now with the other, and print the medians."""
    pull_missing()
    path = model_folder(PIPER_EN_US_JOE_MEDIUM) / "en_US-joe-medium.onnx"
    theirs, ours = original_voice(path), PiperSynthesizer(path, threads=THREADS)
    print(f"{'first sound after':>57}{'Piper':>9}{'ours':>9}{'ratio':>7}{'CPU':>7}")
    try:
        for sentence in SENTENCES:
            pairs = [(by_piper(theirs, sentence), await by_us(ours, sentence)) for _ in range(RUNS)]
            piper_ms = _median(pairs, lambda pair: pair[0].first_ms)
            ours_ms = _median(pairs, lambda pair: pair[1].first_ms)
            cpu = _median(pairs, lambda pair: pair[1].cpu_ms / pair[0].cpu_ms)
            print(
                f"{sentence[:56]:57}{piper_ms:6.0f} ms{ours_ms:6.0f} ms"
                f"{ours_ms / piper_ms:7.2f}{cpu:7.2f}"
            )
    finally:
        ours.close()


def _median(
    pairs: list[tuple[Spoken, Spoken]], value: Callable[[tuple[Spoken, Spoken]], float]
) -> float:
    return statistics.median(map(value, pairs))


if __name__ == "__main__":
    asyncio.run(measure())
