"""Speech to put into clients' microphones, and an ear for what comes out of their speakers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from duologue.agent.speech.hearing.whisper import SAMPLE_RATE_HZ, WhisperTranscriber
from duologue.agent.speech.models import WHISPER_TINY_EN, model_folder
from duologue.audio import Resampler, read_wav
from duologue.audio.samples import Samples

WORDS_PER_MINUTE = 140
"""A little slower than espeak-ng by itself: more of it is understood."""

VOICE_SEED = 1
"""With it the agent's voice says a text the same way in every test and every benchmark."""


class SpokenSentences:
    """Sentences as espeak-ng says them: a voice that none of the agent's models has made.

    Args:
        folder: where espeak-ng may write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spoken: dict[tuple[str, str, int], Samples] = {}

    def __call__(
        self, text: str, sample_rate_hz: int = 16_000, *, voice: str = "en-us+f3"
    ) -> Samples:
        """The samples of a sentence, without silence around it."""
        key = (text, voice, sample_rate_hz)
        if key not in self._spoken:
            self._spoken[key] = resampled(*self._synthesize(text, voice), sample_rate_hz)
        return self._spoken[key]

    def _synthesize(self, text: str, voice: str) -> tuple[Samples, int]:
        path = self._folder / "spoken.wav"
        subprocess.run(
            ["espeak-ng", "-v", voice, "-s", str(WORDS_PER_MINUTE), "-w", str(path), text],
            check=True,
            timeout=30,
        )
        return read_wav(path)


class Listener:
    """Writes down what is said, with the Whisper model that the agent hears with."""

    def __init__(self) -> None:
        self._whisper = WhisperTranscriber(model_folder(WHISPER_TINY_EN), draws=False)

    def __call__(self, samples: Samples, sample_rate_hz: int = 16_000) -> str:
        """What is said, in lower case."""
        speech = resampled(samples, sample_rate_hz, SAMPLE_RATE_HZ)
        return self._whisper.transcribe_on_full_window(speech).lower()

    def close(self) -> None:
        """Free the model."""
        self._whisper.close()


def resampled(samples: Samples, from_rate_hz: int, to_rate_hz: int) -> Samples:
    """All of a sound at another rate."""
    resampler = Resampler(from_rate_hz, to_rate_hz)
    return np.concatenate((resampler.push(samples), resampler.flush()))
