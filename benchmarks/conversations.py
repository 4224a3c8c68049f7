"""What the measurements of whole conversations share: an agent process, spoken questions."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from piper import PiperConfig, PiperVoice

from duologue.agent.rooms.livekit_server import ensure_binary
from duologue.agent.settings import VOICE_SEED as VOICE_SEED_VARIABLE
from duologue.agent.speech.models import PIPER_EN_US_JOE_MEDIUM, model_folder
from duologue.agent.speech.speaking.noise import fix_noise
from duologue.audio.resample import Resampler
from duologue.cli.models import pull_missing
from duologue.cli.talk.embedded import embedded_agent
from tests.real.speech import VOICE_SEED

RATE_HZ = 16000

QUESTIONS = (
    "What is the capital of France?",
    "How many days are there in a week?",
    "What colour is the sky on a clear day?",
    "Which animal says meow?",
    "What is the capital of Italy?",
    "How many legs does a dog have?",
    "What do bees make?",
    "Which planet do we live on?",
    "What is the opposite of hot?",
    "What is frozen water called?",
)

Samples = npt.NDArray[np.int16]


def spoken(sentence: str, rate_hz: int = RATE_HZ) -> Samples:
    """The sentence in the bundled voice, as int16 samples."""
    resampler = Resampler(_voice().config.sample_rate, rate_hz)
    return np.concatenate((resampler.push(_synthesized(sentence)), resampler.flush()))


@functools.cache
def _synthesized(sentence: str) -> Samples:
    return np.concatenate([chunk.audio_int16_array for chunk in _voice().synthesize(sentence)])


@functools.cache
def _voice() -> PiperVoice:
    path = model_folder(PIPER_EN_US_JOE_MEDIUM) / "en_US-joe-medium.onnx"
    model = onnx.load(path)
    fix_noise(model, VOICE_SEED)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return PiperVoice(session, PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text())))


@asynccontextmanager
async def agent(definition: str, *, with_livekit: bool = False) -> AsyncIterator[tuple[str, Path]]:
    """An agent in a process of its own, whose voice is always the same.

    Gives its origin and the file with its log.

    Args:
        definition: its YAML.
        with_livekit: whether it can be called over WebRTC as well.
    """
    pull_missing()
    if with_livekit:
        ensure_binary(print)
    with tempfile.TemporaryDirectory() as folder:
        path, log_path = Path(folder) / "agent.yaml", Path(folder) / "agent.log"
        path.write_text(definition, encoding="utf-8")
        async with embedded_agent(
            definition=path,
            log_path=log_path,
            environment=os.environ | {VOICE_SEED_VARIABLE: str(VOICE_SEED)},
            with_livekit=with_livekit,
        ) as origin:
            yield origin, log_path
