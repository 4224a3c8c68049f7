"""Text to speech with Piper, part by part: the beginning sounds while the rest is made."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue.agent.speech.model_worker import ModelWorker
from duologue.agent.speech.speaking.model import PiperModel, Sentence
from duologue.agent.speech.speaking.synthesis import VoicePart
from duologue.errors import ModelError

MAX_WAITING: Final = 16
LIMIT_S: Final = 15.0
"""For one part, waiting for other calls included. Piper is ten times faster than speech."""

FIRST_FRAMES: Final = 20
"""0.23 s of sound at 22,050 Hz, a fifth of it silence: time enough to make the next part, even on a
machine that is busy with something else."""

GROWTH: Final = 4
"""So much longer each part is than the one before: each costs what is next to it, too."""

LONGEST_FRAMES: Final = 160
"""1.9 s at 22,050 Hz, made in 0.08 s. Another call whose sound runs out waits for one such part."""

GAIN: Final = 1.2
"""The loudest of 60 sentences of the bundled voice had its peak at 0.82 of full scale. Piper itself
makes every sentence as loud as it can be; before it is made, nobody knows how loud that is."""

Samples = npt.NDArray[np.int16]


class PiperSynthesizer:
    """A Piper voice that any number of calls share; see `Synthesizer`.

    Args:
        model_path: the voice's `.onnx` file; `.onnx.json` stands beside it. Loading it here
            takes about a second.
        threads: CPU threads of the model.
        seed: a whole number from 0 on, with which a text at one speed has the same sound every
            time, on one kind of processor to the last bit. With None each time is a little
            different, as a person's is.

    Raises:
        ModelError: there is no voice that can be loaded.
    """

    def __init__(self, model_path: Path, *, threads: int = 2, seed: int | None = None) -> None:
        try:
            self._model = PiperModel(model_path, threads=threads, seed=seed)
        except Exception as error:
            # onnxruntime raises bare subclasses of Exception for a damaged file.
            raise ModelError(
                f"the voice {model_path} cannot be loaded ({error}); run `duologue models verify`"
            ) from error
        self._worker = ModelWorker("speech synthesis", max_waiting=MAX_WAITING)

    @property
    def sample_rate_hz(self) -> int:
        return self._model.sample_rate_hz

    async def synthesize(self, text: str, speed: float = 1.0) -> AsyncIterator[VoicePart]:
        """Give the mono sound of a clause or sentence; see `Synthesizer.synthesize`.

        Of all calls, the one whose sound runs out first has its turn next. Cancelling drops the
        part that is being made; see `ModelWorker.run_by`.
        """
        due_s = time.monotonic()
        try:
            sentences = await self._worker.run_by(
                due_s, LIMIT_S, self._model.plan, text, speed=speed
            )
            voice_end = self._voice_end(sentences)
            for sentence in sentences:
                for start, end in parts(sentence.frames):
                    sound = await self._worker.run_by(
                        due_s, LIMIT_S, self._model.sound, sentence, start, end
                    )
                    due_s = max(due_s, time.monotonic()) + len(sound) / self.sample_rate_hz
                    yield VoicePart(_in_full_scale(sound), voice_end)
        except ModelError:
            raise
        except Exception as error:
            # Whatever the model raises on a text, the call must learn of it as one error.
            raise ModelError(f"the voice could not say {text!r}: {error}") from error

    async def warm_up(self) -> None:
        """Speak once into the void: the first sentence of a process is slower."""
        async for _ in self.synthesize("Hello, I am here to help you."):
            pass

    def close(self) -> None:
        """Stop taking text; what is being spoken now is dropped."""
        self._worker.close()

    def _voice_end(self, sentences: Sequence[Sentence]) -> int:
        frames = sum(sentence.frames for sentence in sentences[:-1])
        if sentences:
            frames += sentences[-1].spoken_frames
        return frames * self._model.frame_samples


def parts(frames: int) -> Iterator[tuple[int, int]]:
    """Cut so many frames into the parts that are made one after another, from one to another."""
    start, length = 0, FIRST_FRAMES
    while start < frames:
        end = min(frames, start + length)
        yield start, end
        start, length = end, min(LONGEST_FRAMES, length * GROWTH)


def _in_full_scale(sound: npt.NDArray[np.float32]) -> Samples:
    samples: Samples = (np.clip(sound * GAIN, -1.0, 1.0) * 32767).astype(np.int16)
    return samples
